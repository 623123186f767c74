// SPDX-License-Identifier: Apache-2.0
// In whose name we make what counts against a quota. A user's keys (keyrings(7)) and his inotify
// instances and watches (inotify(7)) count for him in all containers together, and root of a
// container without a user namespace is root: he could use them up, and nobody would have a handler
// any more.
#pragma once

#include <sys/types.h>

namespace upcall::launcher {

// A user of the initial namespace whom nothing else is: another one each time, so that nobody can
// fill his quota beforehand. For a keyring of KEYCTL_JOIN_SESSION_KEYRING as the real one, for
// other keyrings as that of the file system, for inotify as the effective one.
[[nodiscard]] uid_t choose_stranger() noexcept;
// For a keyring, how often to choose another one on EDQUOT.
inline constexpr int kStrangers = 4;

}  // namespace upcall::launcher
