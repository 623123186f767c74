// SPDX-License-Identifier: Apache-2.0
// The file system of a throw-away container: a tmpfs with busybox, that only its mount namespace
// holds.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "container_options.h"

namespace upcall::testing {

// What the container takes from the host, opened while the host's files can still be reached by
// name and with the host's rights.
struct HostFiles {
  struct File {
    UniqueFd content;
    std::string inside;
    mode_t mode{};
  };
  struct Tree {
    UniqueFd mount;  // detached
    std::string inside;
  };
  std::vector<File> files;
  std::vector<Tree> trees;
};

[[nodiscard]] HostFiles open_host_files(const ContainerOptions& options);

// Called in the container's own namespaces: leaves the process with the new root and nothing of the
// old.
void enter_new_root(const HostFiles& from_host, const ContainerOptions& options);

}  // namespace upcall::testing
