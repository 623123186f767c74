// SPDX-License-Identifier: Apache-2.0
// For tests that need kernel.core_pattern, which all of the machine shares: takes it for this
// process alone and puts everything back, however the test ends.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "base/unique_fd.h"
#include "kernel/core_pattern.h"

namespace upcall::test {

class CorePatternGuard {
 public:
  // Waits for its turn. Throws std::system_error where the test has no right to change the pattern.
  CorePatternGuard();
  ~CorePatternGuard();
  CorePatternGuard(const CorePatternGuard&) = delete;
  CorePatternGuard& operator=(const CorePatternGuard&) = delete;
  CorePatternGuard(CorePatternGuard&&) = delete;
  CorePatternGuard& operator=(CorePatternGuard&&) = delete;

  [[nodiscard]] static Result<Ok> set(std::string_view pattern) {
    return kernel::write_core_pattern(pattern);
  }
  [[nodiscard]] const kernel::CoreSettings& before() const { return before_; }

 private:
  UniqueFd lock_;
  kernel::CoreSettings before_;
  pid_t keeper_{-1};  // the child that restores if we cannot
};

}  // namespace upcall::test
