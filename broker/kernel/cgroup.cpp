// SPDX-License-Identifier: Apache-2.0
#include "kernel/cgroup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <array>
#include <cstring>
#include <string_view>

#include "base/text.h"
#include "kernel/read_file.h"

namespace upcall::kernel {
namespace {

constexpr int kKernfsHandle = 0xfe;  // FILEID_KERNFS

// struct file_handle with room for a kernfs id.
struct CgroupHandle {
  unsigned int bytes{sizeof(std::uint64_t)};
  int type{kKernfsHandle};
  std::array<unsigned char, sizeof(std::uint64_t)> id{};
};
static_assert(sizeof(CgroupHandle) == sizeof(file_handle) + sizeof(std::uint64_t));

}  // namespace

bool is_unified_cgroup(int directory) {
  struct statfs status {};
  return ::fstatfs(directory, &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC;
}

// However it is mounted where it was found: its number is its id.
Result<std::string> unified_path(int directory) {
  struct stat status {};
  if (::fstat(directory, &status) != 0) return from_errno("look at a cgroup");
  const auto root = open_cgroup_root();
  if (!root) return root.error();
  const auto same = open_cgroup(root->get(), status.st_ino);
  if (!same) return same.error();
  const auto above = cgroup_path(root->get());
  if (!above) return above.error();
  auto path = cgroup_path(same->get());
  if (!path) return path.error();
  if (!path->starts_with(*above)) return from_errno("find the path of a cgroup", ENOENT);
  return path->substr(above->size());
}

Result<UniqueFd> open_cgroup_root() {
  // The unified layout of systemd and most others, and the hybrid one.
  for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    UniqueFd fd{::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (fd && is_unified_cgroup(fd.get())) return fd;
  }
  return from_errno("find the unified cgroup hierarchy", ENOENT);
}

Result<UniqueFd> open_cgroup(int root, std::uint64_t id) {
  CgroupHandle handle;
  std::memcpy(handle.id.data(), &id, sizeof id);
  UniqueFd fd{::open_by_handle_at(root, reinterpret_cast<file_handle*>(&handle),
                                  O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) return from_errno("open a cgroup by its id");
  return fd;
}

Result<UniqueFd> open_cgroup_of(int root, const std::string& directory) {
  const auto text = read_file(directory + "/cgroup");
  if (!text) return text.error();
  std::string_view rest{*text};
  while (!rest.empty()) {
    auto line = take_until(rest, '\n');
    if (!line.starts_with("0::/")) continue;
    const std::string path = "." + std::string{line.substr(3)};
    UniqueFd fd{::openat(root, path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!fd) return from_errno("open a cgroup", errno);
    return fd;
  }
  return from_errno("find a process in the unified cgroup hierarchy", ENOENT);
}

Result<std::string> cgroup_path(int cgroup) {
  return read_link("/proc/self/fd/" + std::to_string(cgroup));
}

}  // namespace upcall::kernel
