// SPDX-License-Identifier: Apache-2.0
// What `pass` is asked to do: docs/handler-protocol.md's environment and three keys of `with:`.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "kernel/core_name.h"

namespace upcall::pass {

struct Request {
  std::string pattern;                                    // UPCALL_WITH_PATTERN
  kernel::CoreUsesPid uses_pid{kernel::CoreUsesPid::no};  // UPCALL_WITH_USES_PID: 0 or 1
  bool kernel_waits{};                                    // UPCALL_WITH_PIPE_LIMIT is not 0
  kernel::CoreFacts facts;
  int pidfd{-1};  // UPCALL_PIDFD
};

// Reads this process's environment. EINVAL without a pattern.
[[nodiscard]] Result<Request> read_request();

}  // namespace upcall::pass
