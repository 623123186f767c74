// SPDX-License-Identifier: Apache-2.0
// A trace buffer of our own in tracefs, which nobody else's tracing disturbs or is disturbed by,
// with the events of helper_chain.h in it. It costs nothing until the kernel starts a helper.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/trace_layout.h"

namespace upcall::kernel {

// It stays in the kernel until removed, whoever dies.
inline constexpr const char* kTraceInstance = "upcalld";

struct TraceInstance {
  TraceLayout layout;
  // trace_pipe_raw of each CPU, non-blocking: read-only, and readable once a quarter is full.
  std::vector<UniqueFd> buffers;
};

// In the place of one that a predecessor left. EBUSY where its broker still reads it; EACCES or
// ENOENT where the kernel is locked down or has no such events.
[[nodiscard]] Result<TraceInstance> make_trace_instance();
// Fails with EBUSY while somebody has one of its buffers open. Fine where there is none.
[[nodiscard]] Result<Ok> remove_trace_instance();

}  // namespace upcall::kernel
