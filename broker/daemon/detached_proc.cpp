// SPDX-License-Identifier: Apache-2.0
#include "daemon/detached_proc.h"

#include <sys/mount.h>

namespace upcall::daemon {

Result<UniqueFd> mount_detached_proc() {
  const UniqueFd context{::fsopen("proc", FSOPEN_CLOEXEC)};
  if (!context) return from_errno("make a procfs");
  if (::fsconfig(context.get(), FSCONFIG_SET_STRING, "subset", "pid", 0) != 0 ||
      ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return from_errno("create a procfs");
  }
  constexpr unsigned kAttributes =
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  UniqueFd mount{::fsmount(context.get(), FSMOUNT_CLOEXEC, kAttributes)};
  if (!mount) return from_errno("mount a procfs");
  return mount;
}

}  // namespace upcall::daemon
