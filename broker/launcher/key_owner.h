// SPDX-License-Identifier: Apache-2.0
// In whose name the launcher makes its keyrings. A user's keys count against a quota that he has in
// all containers together (keyrings(7)), and root of a container without a user namespace is root:
// he could fill it, and nobody would have a handler any more.
#pragma once

#include <sys/types.h>

namespace upcall::launcher {

// A user of the initial namespace whom nothing else is: another one each time, so that nobody can
// fill his quota beforehand. For a keyring of KEYCTL_JOIN_SESSION_KEYRING as the real one, for
// others as that of the file system.
[[nodiscard]] uid_t choose_key_owner() noexcept;
// How often to choose another one on EDQUOT.
inline constexpr int kKeyOwners = 4;

}  // namespace upcall::launcher
