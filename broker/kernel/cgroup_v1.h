// SPDX-License-Identifier: Apache-2.0
// Cgroups of version 1: a process has one in each of several hierarchies, beside the unified one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::kernel {

struct CgroupV1 {
  std::string hierarchy;  // its first controller, or "name=..."
  std::string path;       // from its root

  bool operator==(const CgroupV1&) const = default;
};

struct HierarchyV1 {
  std::vector<std::string> options;  // its controllers, or "name=...", and others
  std::string mount_point;
};

// Of /proc/PID/cgroup: those that are not the root of their hierarchy.
[[nodiscard]] std::vector<CgroupV1> parse_cgroups_v1(std::string_view text);
// Of /proc/PID/mountinfo: hierarchies that are mounted whole.
[[nodiscard]] std::vector<HierarchyV1> parse_hierarchies_v1(std::string_view mountinfo);

// Where a thread joins the cgroups of the one with this /proc/PID/task/TID, by writing "0" to
// each. Only those that we are not in already; none on a host without version 1. ENOENT where a
// hierarchy is not mounted or a cgroup has been removed.
[[nodiscard]] Result<std::vector<UniqueFd>> open_cgroups_v1(const std::string& directory);

}  // namespace upcall::kernel
