// SPDX-License-Identifier: Apache-2.0
// The launcher's own confinement, before it hears anybody.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace upcall::launcher {

// What the launcher keeps: what it needs itself, and what a handler may be given, since a handler
// gets at most what both its container's init and the launcher hold.
[[nodiscard]] std::uint64_t kept_capabilities();

// No ambient, inheritable or bounding capabilities beyond `keep`.
[[nodiscard]] Result<Ok> limit_capabilities(std::uint64_t keep);

// New session, not dumpable, default signals but for `SIGCHLD` and `SIGTERM` (blocked, for a
// signalfd), default scheduling and umask, the most descriptors that it may have.
[[nodiscard]] Result<Ok> settle();

// EPERM where fs.suid_dumpable is 1, which makes every process that changes its user readable to
// it.
[[nodiscard]] Result<Ok> refuse_suid_dumpable();

}  // namespace upcall::launcher
