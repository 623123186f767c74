// SPDX-License-Identifier: Apache-2.0
// The lowest descriptor numbers: the launcher keeps them all taken and uses none of them, so that
// putting a handler's descriptors in their places never overwrites one that is still needed.
#pragma once

#include <span>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::launcher {

// A handler's own are 0 to 4; these two it never sees, they close at exec.
inline constexpr int kStatusFd = 5;
inline constexpr int kExecutableFd = 6;
inline constexpr int kFirstFreeFd = 7;

// Moves each of `fds` to kFirstFreeFd or above and closes every other descriptor but stderr; the
// low numbers, stderr excepted, are on /dev/null then.
[[nodiscard]] Result<Ok> clear_low_fds(std::span<UniqueFd*> fds);

}  // namespace upcall::launcher
