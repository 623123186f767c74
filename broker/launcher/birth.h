// SPDX-License-Identifier: Apache-2.0
// What a handler needs from its birth to its exec: the little of our memory that it is left with
// where its container could read it meanwhile. Async-signal-safe, for stage 1.
#pragma once

#include <cstddef>
#include <span>

#include "launcher/confine.h"

namespace upcall::launcher {

struct Birth {
  int executable{-1};
  const char* path{};
  char* const* argv{};
  char* const* envp{};
  std::span<std::byte> stack;
};

// A copy in memory of its own, and all else that could be written to marked so that it is empty in
// a child that does not share our memory. Null with errno. To be called where the host's procfs is
// in sight; nothing may be mapped afterwards.
[[nodiscard]] const Birth* hide_all_but(const Birth& birth) noexcept;

}  // namespace upcall::launcher
