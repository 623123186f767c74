// SPDX-License-Identifier: Apache-2.0
// What an inotify instance tells (inotify(7)).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::kernel {

struct InotifyEvent {
  int watch{};           // -1 with IN_Q_OVERFLOW
  std::uint32_t mask{};  // IN_*
  std::string name;      // of an entry of the watched directory; empty for what is itself watched
};

// A non-blocking one that counts, with all its watches, for this user of ours (Linux 4.11,
// fs/notify/inotify/inotify_user.c). The calling thread is root, and is so again afterwards.
[[nodiscard]] Result<UniqueFd> make_inotify(uid_t owner);

// Some of what has happened since, from a non-blocking one. Nothing when nothing has.
[[nodiscard]] Result<std::optional<std::vector<InotifyEvent>>> read_inotify(int inotify);

}  // namespace upcall::kernel
