// SPDX-License-Identifier: Apache-2.0
// What the kernel itself says of the process behind a pidfd.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::kernel {

// An absent field is one which this kernel did not tell, never one which we failed to read.
struct PidfdFacts {
  pid_t pid{};  // of the process, in our PID namespace
  std::optional<std::uint64_t> cgroup_id;
  // 0, 1 or 2 as in prctl(PR_SET_DUMPABLE): what the kernel published with the dump, or for a
  // process that does not dump what it would be (Linux 6.16).
  std::optional<int> dumpable;
  // Whether its core is being written or has been (Linux 6.16).
  std::optional<bool> dumped;
};

// ESRCH when the process is gone or in no PID namespace of ours. Kernels before 6.13 tell only the
// pid.
[[nodiscard]] Result<PidfdFacts> query_pidfd(int pidfd);

[[nodiscard]] Result<UniqueFd> open_pidfd(pid_t pid);
// Of one thread. Nothing on kernels before 6.9, whose pidfds only name whole processes.
[[nodiscard]] Result<std::optional<UniqueFd>> open_thread_pidfd(pid_t tid);

// False once the process has been reaped: what was read from /proc/PID before a true is of this
// process, and not of a later one with its number.
[[nodiscard]] bool still_exists(int pidfd);

}  // namespace upcall::kernel
