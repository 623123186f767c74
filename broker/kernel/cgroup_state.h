// SPDX-License-Identifier: Apache-2.0
// What a cgroup of version 2 tells of the processes in it and below it
// (Documentation/admin-guide/cgroup-v2.rst, "Core Interface Files", "cpu.stat"), and how the kernel
// tells that it has changed: IN_MODIFY of cgroup.events, not more often than every 10 ms (Linux
// 4.16). Its removal it tells of the directory above only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::kernel {

// "populated 1" of cgroup.events; nothing where that does not say.
[[nodiscard]] std::optional<bool> parse_populated(std::string_view events);
// "usage_usec" of cpu.stat, in microseconds: what all that ever were in it have taken. 0 where that
// does not say.
[[nodiscard]] std::uint64_t parse_cpu_time(std::string_view cpu_stat);

// `directory` is below `root`, "" for that itself. The caller owns the descriptor; it does not keep
// the cgroup from being removed. ENOENT when it has been.
[[nodiscard]] Result<UniqueFd> open_cgroup_directory(int root, const std::string& directory);
// The user whose cgroup it is.
[[nodiscard]] Result<uid_t> cgroup_owner(int directory);
[[nodiscard]] Result<UniqueFd> open_cgroup_events(int directory);
// Now, from a descriptor of cgroup.events. ENODEV once it has been removed.
[[nodiscard]] Result<bool> read_populated(int events);
// 0 where it cannot be read.
[[nodiscard]] std::uint64_t read_cpu_time(int directory);

// Has `inotify` watch what is behind a descriptor; `descriptors` is where /proc/self/fd is. A
// watch that is asked for twice is the same.
[[nodiscard]] Result<int> watch_descriptor(int inotify, const std::string& descriptors, int fd,
                                           std::uint32_t mask);

}  // namespace upcall::kernel
