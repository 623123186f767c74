// SPDX-License-Identifier: Apache-2.0
// What procfs tells of one thread's rights and limits. Every reader fails on a line that is missing
// or malformed: an absent limit is never "none", an absent capability set never "empty".
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace upcall::kernel {

struct ProcessStatus {
  pid_t tgid{};
  pid_t inner_pid{};  // in its own PID namespace
  uid_t real_uid{};
  uid_t effective_uid{};
  uid_t filesystem_uid{};
  gid_t real_gid{};
  gid_t effective_gid{};
  gid_t filesystem_gid{};
  std::vector<gid_t> groups;
  std::uint64_t permitted{};
  std::uint64_t effective{};
  std::uint64_t bounding{};
  bool no_new_privileges{};
  bool core_dumping{};
  int seccomp_mode{};
  int seccomp_filters{};
};

using ResourceLimits = std::array<rlimit, RLIM_NLIMITS>;

// Pure parsers of /proc/PID/status and /proc/PID/limits.
[[nodiscard]] std::optional<ProcessStatus> parse_status(std::string_view text);
// Of kernel threads, too, which lack most of the rest.
[[nodiscard]] std::optional<pid_t> parse_thread_group(std::string_view text);
[[nodiscard]] std::optional<ResourceLimits> parse_limits(std::string_view text);

// `directory` is /proc/PID or /proc/PID/task/TID.
[[nodiscard]] Result<ProcessStatus> read_status(const std::string& directory);
[[nodiscard]] Result<ResourceLimits> read_limits(const std::string& directory);

}  // namespace upcall::kernel
