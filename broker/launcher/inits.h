// SPDX-License-Identifier: Apache-2.0
// The inits of containers that have no PID namespace of their own, but the host's or a pod's, so
// that climbing from a process leads to none or to another container's. Runtimes have them on
// record; the broker says where to look.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launcher/own.h"
#include "launcher/records.h"
#include "wire/launcher.h"

namespace upcall::launcher {

struct Init {
  UniqueFd pidfd;
  UniqueFd cgroup;  // O_PATH
  pid_t pid{};
  std::uint64_t pid_namespace{};
};

class Inits {
 public:
  // Believes nothing but the record and the kernel. EINVAL for a process that is confined to no
  // cgroup or has the host's mounts: that is no container.
  [[nodiscard]] Result<Ok> add(const Own& own, const Records& records,
                               const wire::InitRequest& request);

  // That of the container whose cgroup this is, or the nearest one above it; nullptr without one.
  // It may be dead, while others of its container live on.
  [[nodiscard]] const Init* find(std::string_view cgroup_path) const;

 private:
  void drop_those_of_removed_cgroups();

  std::unordered_map<std::string, Init> by_cgroup_;  // by its path in the unified hierarchy
};

}  // namespace upcall::launcher
