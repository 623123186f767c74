// SPDX-License-Identifier: Apache-2.0
// upcalld --check: the policy is read as a start would read it, and nothing is changed.
#pragma once

#include "daemon/options.h"

namespace upcall::daemon {

// The exit status: 1 when the policy has mistakes. What is no mistake of the policy's, but stands
// against it on this machine, is a warning; also beside an upcalld that runs.
[[nodiscard]] int check(const Options& options);

}  // namespace upcall::daemon
