// SPDX-License-Identifier: Apache-2.0
// File systems for our own use: mounted nowhere (fsopen(2) and fsmount(2), Linux 5.2), so that
// neither whether the host has them nor where matters, and nobody finds them. Whoever holds a
// descriptor of one cannot leave it by "..", as he can those at /proc and /sys.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::kernel {

struct MountOption {
  const char* key;
  const char* value;
};

// A new one of `type`, such as "tmpfs"; `attributes` are MOUNT_ATTR_*. The caller owns its root.
[[nodiscard]] Result<UniqueFd> mount_detached(const std::string& type, unsigned attributes);
[[nodiscard]] Result<UniqueFd> mount_detached(const std::string& type, unsigned attributes,
                                              MountOption option);

// The tree below `directory` again, read-only, as it is mounted (open_tree(2), mount_setattr(2),
// Linux 5.12). A new mount of the unified cgroup hierarchy would change its options for everybody.
[[nodiscard]] Result<UniqueFd> clone_detached(int directory);

// A procfs of our PID namespace, read-only. Of it only the processes show (subset=pid, Linux 5.8).
[[nodiscard]] Result<UniqueFd> mount_detached_proc();
// A sysfs of our network namespace, read-only.
[[nodiscard]] Result<UniqueFd> mount_detached_sysfs();

}  // namespace upcall::kernel
