// SPDX-License-Identifier: Apache-2.0
// The broker's view of the file system: processes, and nothing above them.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::daemon {

// A procfs of our PID namespace that is mounted nowhere, read-only: whoever holds a descriptor of
// it cannot leave it by "..", as he can the one at /proc. Of it only the processes show
// (subset=pid, Linux 5.8).
[[nodiscard]] Result<UniqueFd> mount_detached_proc();

}  // namespace upcall::daemon
