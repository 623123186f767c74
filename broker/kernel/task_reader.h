// SPDX-License-Identifier: Apache-2.0
// What the kernel knows of a thread and tells in no other way, read by a small program in the
// kernel (BPF): copies of its seccomp filters, and whether it is dumpable. Nothing is stopped or
// traced for it, so that it works for a process that dumps core, too, which
// PTRACE_SECCOMP_GET_FILTER does not.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/task_program.h"

namespace upcall::kernel {

// As it was given to the kernel: instructions of the classic machine.
using SeccompFilter = std::vector<sock_filter>;

class TaskReader {
 public:
  // Takes CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON, and a kernel (6.1 or later) with BTF and
  // CONFIG_CHECKPOINT_RESTORE, since others keep no filter as it was given.
  [[nodiscard]] static Result<TaskReader> make();

  // All `count` filters of a thread, in the order in which they were installed. The caller must see
  // afterwards that the thread still exists and has as many.
  [[nodiscard]] Result<std::vector<SeccompFilter>> read_filters(pid_t tid, int count) const;
  // 0, 1 or 2 as in prctl(PR_SET_DUMPABLE); 0 for one that has no memory any more. For kernels
  // whose pidfds do not tell (before 6.16). Here, too, see afterwards that the thread still exists.
  [[nodiscard]] Result<int> read_dumpable(pid_t tid) const;

 private:
  TaskReader(UniqueFd map, UniqueFd program) : map_{std::move(map)}, program_{std::move(program)} {}
  [[nodiscard]] Result<SeccompFilter> read_one(pid_t tid, std::uint32_t depth) const;
  [[nodiscard]] Result<TaskExchange> look_at(pid_t tid, TaskExchange exchange) const;

  UniqueFd map_;
  UniqueFd program_;
};

}  // namespace upcall::kernel
