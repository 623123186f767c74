// SPDX-License-Identifier: Apache-2.0
// What an inotify instance tells (inotify(7)).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace upcall::kernel {

struct InotifyEvent {
  int watch{};           // -1 with IN_Q_OVERFLOW
  std::uint32_t mask{};  // IN_*
  std::string name;      // of an entry of the watched directory; empty for what is itself watched
};

// Some of what has happened since, from a non-blocking one. Nothing when nothing has.
[[nodiscard]] Result<std::optional<std::vector<InotifyEvent>>> read_inotify(int inotify);

}  // namespace upcall::kernel
