// SPDX-License-Identifier: Apache-2.0
// A directory that one upcalld at a time has: the runtime directory, and that for state. Two with
// one directory would take away each other's sockets, and put back each other's settings.
#pragma once

#include <string>

#include "base/unique_fd.h"

namespace upcall::daemon {

struct OwnDirectory {
  std::string path;  // without links
  UniqueFd lock;  // held until this process ends, and never closed before (kernel/process_lock.h)
};

// Makes it where there is none, and locks it. What an upcalld that was killed changed is put back
// by its launcher: waits for that one to end. `option` is how the user names another directory.
// Throws with cause and remedy: also when an upcalld has it, or the launcher does not end.
[[nodiscard]] OwnDirectory take_directory(const std::string& path, const std::string& option);

}  // namespace upcall::daemon
