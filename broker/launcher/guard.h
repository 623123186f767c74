// SPDX-License-Identifier: Apache-2.0
// What upcalld changed on this host, put back when upcalld itself is no more there to do it.
#pragma once

#include "base/result.h"
#include "wire/supervisor.h"

namespace upcall::launcher {

// EBADMSG for a record whose texts do not end within it.
[[nodiscard]] Result<Ok> check_record(const wire::GuardRecord& record);

// Nothing is done when the record is empty, or when another program has written a setting since:
// then it is that one's.
[[nodiscard]] Result<Ok> restore(const wire::GuardRecord& record);

// The trace instance, if there is one: once the broker, at the other end of that socket, is gone.
[[nodiscard]] Result<Ok> remove_trace(const wire::GuardRecord& record, int broker);

}  // namespace upcall::launcher
