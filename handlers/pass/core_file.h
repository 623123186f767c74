// SPDX-License-Identifier: Apache-2.0
// A core file as the kernel writes it (coredump_file() of fs/coredump.c, Linux 6.18). The caller
// runs with the crashed process's root, working directory, ids and umask, or on the host as root
// for a process that only root may see.
#pragma once

#include "base/result.h"
#include "pass/request.h"

namespace upcall::pass {

// Copies the core from descriptor `stream`. Does nothing, as the kernel, when RLIMIT_CORE is below
// one page.
[[nodiscard]] Result<Ok> write_core_file(const Request& request, int stream);

}  // namespace upcall::pass
