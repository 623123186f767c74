// SPDX-License-Identifier: Apache-2.0
// The task on whose account the kernel started a helper, by the kernel's trace and what /proc says.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "sources/helper_trace.h"

namespace upcall::dispatch {

struct AskerTask {
  pid_t pid{};
  pid_t tid{};
  bool kernel_thread{};
  bool waits{};   // for the helper, as the kernel said when it asked
  bool nested{};  // a helper that runs on its account asked
};

// ENOENT for a helper that the kernel did not start, or does not remember to have started. ESRCH
// for a task that is gone, or whose number is another one's now. ELOOP behind too many helpers that
// asked on account of each other. `proc` is borrowed.
[[nodiscard]] Result<AskerTask> find_asker(sources::HelperTrace& trace, int proc, pid_t helper);

// Whether the process is `supervisor` or a child of it, for whom nobody of ours can wait.
[[nodiscard]] bool is_ours(int proc, pid_t pid, pid_t supervisor);

}  // namespace upcall::dispatch
