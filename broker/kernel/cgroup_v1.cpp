// SPDX-License-Identifier: Apache-2.0
#include "kernel/cgroup_v1.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>

#include "base/text.h"
#include "kernel/read_file.h"

namespace upcall::kernel {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) parts.emplace_back(take_until(text, separator));
  return parts;
}

Result<std::vector<CgroupV1>> read_cgroups_v1(const std::string& directory) {
  const auto text = read_file(directory + "/cgroup");
  if (!text) return text.error();
  return parse_cgroups_v1(*text);
}

const HierarchyV1* find_hierarchy(const std::vector<HierarchyV1>& hierarchies,
                                  const CgroupV1& cgroup) {
  const auto found = std::ranges::find_if(hierarchies, [&](const HierarchyV1& one) {
    return std::ranges::find(one.options, cgroup.hierarchy) != one.options.end();
  });
  return found == hierarchies.end() ? nullptr : &*found;
}

// One with a name has no controllers, and so limits nothing; systemd-nspawn makes one that the host
// does not have, for a system that is too old for the unified hierarchy.
bool is_containers_own(const std::vector<HierarchyV1>& hierarchies, const CgroupV1& cgroup) {
  return cgroup.hierarchy.starts_with("name=") && find_hierarchy(hierarchies, cgroup) == nullptr;
}

// Not cgroup.procs: only for a single thread that moves itself does the kernel not stop all forks
// of the machine, which takes it some fifteen milliseconds.
Result<UniqueFd> open_tasks(const std::vector<HierarchyV1>& hierarchies, const CgroupV1& cgroup) {
  const auto* hierarchy = find_hierarchy(hierarchies, cgroup);
  // A path that starts so is outside our cgroup namespace, and would lead out of the mount.
  if (hierarchy == nullptr || cgroup.path.starts_with("/.."))
    return from_errno("find the cgroup hierarchy '" + cgroup.hierarchy + "'", ENOENT);
  const std::string path = hierarchy->mount_point + cgroup.path + "/tasks";
  UniqueFd fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW)};
  struct statfs status {};
  if (!fd || ::fstatfs(fd.get(), &status) != 0) return from_errno("open '" + path + "'", errno);
  if (status.f_type != CGROUP_SUPER_MAGIC)
    return from_errno("find the cgroup '" + path + "'", ENOENT);
  return fd;
}

}  // namespace

std::vector<CgroupV1> parse_cgroups_v1(std::string_view text) {
  std::vector<CgroupV1> cgroups;
  while (!text.empty()) {
    auto line = take_until(text, '\n');
    const auto number = take_until(line, ':');
    auto controllers = take_until(line, ':');
    if (number != "0" && line != "/")
      cgroups.push_back(
          {.hierarchy = std::string{take_until(controllers, ',')}, .path = std::string{line}});
  }
  return cgroups;
}

// "36 25 0:31 / /sys/fs/cgroup/devices rw,relatime shared:9 - cgroup cgroup rw,devices"
std::vector<HierarchyV1> parse_hierarchies_v1(std::string_view mountinfo) {
  std::vector<HierarchyV1> hierarchies;
  while (!mountinfo.empty()) {
    const auto line = take_until(mountinfo, '\n');
    const auto dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto before = split(line.substr(0, dash), ' ');
    const auto after = split(line.substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3 || after[0] != "cgroup" || before[3] != "/") continue;
    hierarchies.push_back({.options = split(after[2], ','), .mount_point = before[4]});
  }
  return hierarchies;
}

Result<std::vector<UniqueFd>> open_cgroups_v1(const std::string& directory) {
  auto cgroups = read_cgroups_v1(directory);
  if (!cgroups) return cgroups.error();
  std::vector<UniqueFd> opened;
  if (cgroups->empty()) return opened;
  const auto ours = read_cgroups_v1("/proc/self");
  if (!ours) return ours.error();
  std::erase_if(*cgroups,
                [&](const CgroupV1& one) { return std::ranges::find(*ours, one) != ours->end(); });
  if (cgroups->empty()) return opened;
  const auto mountinfo = read_file("/proc/self/mountinfo");
  if (!mountinfo) return mountinfo.error();
  const auto hierarchies = parse_hierarchies_v1(*mountinfo);
  for (const auto& cgroup : *cgroups) {
    if (is_containers_own(hierarchies, cgroup)) continue;
    auto tasks = open_tasks(hierarchies, cgroup);
    if (!tasks) return tasks.error();
    opened.push_back(*std::move(tasks));
  }
  return opened;
}

}  // namespace upcall::kernel
