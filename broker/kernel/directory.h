// SPDX-License-Identifier: Apache-2.0
// A directory's entries, and how they come and go (inotify(7)).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace upcall::kernel {

// Without "." and "..". `directory` is borrowed and read from its start.
[[nodiscard]] Result<std::vector<std::string>> list_entries(int directory);
// The directories among them, of a file system that tells which those are, as cgroups' does.
[[nodiscard]] Result<std::vector<std::string>> list_directories(int directory);

struct DirectoryChanges {
  struct Change {
    std::string entry;
    bool came{};  // or was written to its end; otherwise it went
  };
  std::vector<Change> changes;
  bool overrun{};  // there were more than the kernel kept: list it again
  bool gone{};     // the directory itself: no more will come
};

// What has happened since, from a non-blocking inotify that watches one directory. Nothing when
// nothing has.
[[nodiscard]] Result<std::optional<DirectoryChanges>> read_changes(int inotify);

}  // namespace upcall::kernel
