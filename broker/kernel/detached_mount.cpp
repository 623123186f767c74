// SPDX-License-Identifier: Apache-2.0
#include "kernel/detached_mount.h"

#include <fcntl.h>
#include <sys/mount.h>

namespace upcall::kernel {
namespace {

constexpr unsigned kOnlyToRead =
    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

Result<UniqueFd> mount_it(const std::string& type, unsigned attributes, const MountOption* option) {
  const UniqueFd context{::fsopen(type.c_str(), FSOPEN_CLOEXEC)};
  if (!context) return from_errno("make a " + type);
  const bool taken = option == nullptr || ::fsconfig(context.get(), FSCONFIG_SET_STRING,
                                                     option->key, option->value, 0) == 0;
  if (!taken || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return from_errno("create a " + type);
  UniqueFd mount{::fsmount(context.get(), FSMOUNT_CLOEXEC, attributes)};
  if (!mount) return from_errno("mount a " + type);
  return mount;
}

}  // namespace

Result<UniqueFd> mount_detached(const std::string& type, unsigned attributes) {
  return mount_it(type, attributes, nullptr);
}

Result<UniqueFd> mount_detached(const std::string& type, unsigned attributes, MountOption option) {
  return mount_it(type, attributes, &option);
}

Result<UniqueFd> clone_detached(int directory) {
  UniqueFd mount{::open_tree(directory, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)};
  if (!mount) return from_errno("mount a directory again");
  mount_attr attributes{.attr_set = kOnlyToRead};
  if (::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0)
    return from_errno("make a mount read-only");
  return mount;
}

Result<UniqueFd> mount_detached_proc() {
  return mount_detached("proc", kOnlyToRead, {.key = "subset", .value = "pid"});
}

Result<UniqueFd> mount_detached_sysfs() { return mount_detached("sysfs", kOnlyToRead); }

}  // namespace upcall::kernel
