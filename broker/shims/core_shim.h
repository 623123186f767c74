// SPDX-License-Identifier: Apache-2.0
// Role "core": the kernel's core dump pipe helper, as kernel::shim_core_pattern() registers it.
//
//   upcall-shim core SOCKET [P=%P] [I=%I] [s=%s] [d=%d] [F=%F] [wait=SECONDS]
//
// It hands one end of a stream to the broker (wire/shim.h) and copies the core from descriptor 0
// into the other. While it holds descriptor 0 the kernel may hold the dumping process, so it waits
// for nothing without a bound: SECONDS (60) for a broker that does not take the call, ten times
// that for one that took it and then moves no byte.
#pragma once

#include <span>

namespace upcall::shim {

// `arguments` follow the role. Returns the exit status: 0 when the broker had everything it wanted.
[[nodiscard]] int run_core_shim(std::span<char* const> arguments);

}  // namespace upcall::shim
