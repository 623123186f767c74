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
// Whether a directory is of the unified hierarchy.
[[nodiscard]] bool is_unified_cgroup(int directory);
// Its path from the root of that. ENOENT where the host does not show it.
[[nodiscard]] Result<std::string> unified_path(int directory);
// ESTALE when the cgroup has been removed.
[[nodiscard]] Result<UniqueFd> open_cgroup(int root, std::uint64_t id);
// By the "0::" line of `directory`/cgroup, for kernels without ids: `directory` is /proc/PID.
[[nodiscard]] Result<UniqueFd> open_cgroup_of(int root, const std::string& directory);
// Its path as the mount shows it, for comparing with others of the same `root`.
[[nodiscard]] Result<std::string> cgroup_path(int cgroup);

}  // namespace upcall::kernel
