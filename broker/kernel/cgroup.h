// SPDX-License-Identifier: Apache-2.0
// The unified cgroup hierarchy: a cgroup as a descriptor, from the id that the kernel gives with a
// pidfd.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::kernel {

// Where cgroup2 is mounted. ENOENT on a host without.
[[nodiscard]] Result<UniqueFd> open_cgroup_root();
// ESTALE when the cgroup has been removed.
[[nodiscard]] Result<UniqueFd> open_cgroup(int root, std::uint64_t id);
// By the "0::" line of `directory`/cgroup, for kernels without ids: `directory` is /proc/PID.
[[nodiscard]] Result<UniqueFd> open_cgroup_of(int root, const std::string& directory);
// Its path as the mount shows it, for comparing with others of the same `root`.
[[nodiscard]] Result<std::string> cgroup_path(int cgroup);

}  // namespace upcall::kernel
