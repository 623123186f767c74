// SPDX-License-Identifier: Apache-2.0
// What /proc says of a process to a reader without privileges (proc_pid_status(5),
// cgroups(7), user_namespaces(7)). The parsers are pure. Whoever reads
// /proc/PID by number must ask a pidfd afterwards whether that process still lives.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace upcall::kernel {

// The whole of a file below `proc` (a descriptor of /proc), 64 KiB at most.
[[nodiscard]] Result<std::string> read_proc(int proc, const std::string& path);

// The thread of `pid` that the kernel is dumping (PF_DUMPCORE in its flags), which need not be its
// leader. ESRCH when there is none.
[[nodiscard]] Result<pid_t> find_dumping_thread(int proc, pid_t pid);

// "NSpid:" of status: the pid in each PID namespace from the reader's to its own.
[[nodiscard]] std::vector<pid_t> parse_namespace_pids(std::string_view status);

struct RealIds {
  uid_t uid{};
  gid_t gid{};
};
[[nodiscard]] std::optional<RealIds> parse_real_ids(std::string_view status);

// "PPid:" of status.
[[nodiscard]] std::optional<pid_t> parse_parent(std::string_view status);

// Whether SIGKILL is pending for the thread, or for its process.
[[nodiscard]] bool parse_killed(std::string_view status);

// Of a process or, below task/, a thread: its path in the unified hierarchy; empty without one, and
// when it is gone.
[[nodiscard]] std::string read_unified_cgroup(int proc, const std::string& directory);

// The path in the unified hierarchy ("0::/path" of cgroup); empty without one.
[[nodiscard]] std::string parse_unified_cgroup(std::string_view cgroup);

// The soft "Max core file size" of limits, in bytes; UINT64_MAX for "unlimited".
[[nodiscard]] std::optional<std::uint64_t> parse_core_limit(std::string_view limits);

// A line of uid_map or gid_map, read from the initial user namespace.
struct IdRange {
  std::uint32_t inner{};
  std::uint32_t outer{};
  std::uint32_t count{};
};
[[nodiscard]] std::vector<IdRange> parse_id_map(std::string_view map);
// The inner id of an outer one; nothing where the map does not have it.
[[nodiscard]] std::optional<std::uint32_t> to_inner(const std::vector<IdRange>& map,
                                                    std::uint32_t outer);

}  // namespace upcall::kernel
