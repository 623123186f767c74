// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "core/sink.h"
#include "core/source.h"

namespace upcall::core {

// Why a stored core is not all of what the process had.
enum class Cut : std::uint8_t { none, stream_ended, read_error, max_size, disk_full };

struct Copied {
  std::optional<std::uint64_t> expected;  // nothing for what is no ELF core
  Cut cut{Cut::none};
  Totals totals;
};

// Copies the core from one to the other, up to `max_size` bytes (0: all). A core that could be
// stored in part is a success; an error means that what is in the sink is worth nothing.
[[nodiscard]] Result<Copied> copy_core(Source& source, Sink& sink, std::uint64_t max_size);

}  // namespace upcall::core
