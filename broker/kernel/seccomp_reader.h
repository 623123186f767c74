// SPDX-License-Identifier: Apache-2.0
// Copies of a thread's seccomp filters, read by a small program in the kernel (BPF). Nothing is
// stopped or traced for it, so that it works for a process that dumps core, too, which
// PTRACE_SECCOMP_GET_FILTER does not.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::kernel {

// As it was given to the kernel: instructions of the classic machine.
using SeccompFilter = std::vector<sock_filter>;

class SeccompReader {
 public:
  // Takes CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON, and a kernel (6.1 or later) with BTF and
  // CONFIG_CHECKPOINT_RESTORE, since others keep no filter as it was given.
  [[nodiscard]] static Result<SeccompReader> make();

  // All `count` filters of a thread, in the order in which they were installed. The caller must see
  // afterwards that the thread still exists and has as many.
  [[nodiscard]] Result<std::vector<SeccompFilter>> read(pid_t tid, int count) const;

 private:
  SeccompReader(UniqueFd map, UniqueFd program)
      : map_{std::move(map)}, program_{std::move(program)} {}
  [[nodiscard]] Result<SeccompFilter> read_one(pid_t tid, std::uint32_t depth) const;

  UniqueFd map_;
  UniqueFd program_;
};

}  // namespace upcall::kernel
