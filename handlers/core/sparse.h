// SPDX-License-Identifier: Apache-2.0
// Zero pages: a core is full of them, since the kernel sends untouched memory as zeros.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace upcall::core {

constexpr std::size_t kBlock = 4096;  // what a file system can leave out, and O_DIRECT's alignment

[[nodiscard]] bool is_zero(std::span<const std::byte> bytes);

struct Run {
  std::size_t begin{};
  std::size_t end{};
  [[nodiscard]] std::size_t size() const { return end - begin; }
};

// The first run of blocks at or after `from` (a multiple of kBlock) that must be written; nothing
// when only zeros are left. Zeros shorter than `shortest_hole` are part of a run.
[[nodiscard]] std::optional<Run> next_data(std::span<const std::byte> bytes, std::size_t from,
                                           std::size_t shortest_hole);

}  // namespace upcall::core
