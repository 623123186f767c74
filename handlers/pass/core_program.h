// SPDX-License-Identifier: Apache-2.0
// A program of kernel.core_pattern, run as the kernel runs it (umh_coredump_setup() of
// fs/coredump.c): a pipe as descriptor 0, with %F a pidfd as 3, no other, no environment, in the
// root folder, RLIMIT_CORE 1.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "pass/request.h"

namespace upcall::pass {

// Feeds the core from `stream` to the program and waits for its end. Closes the stream, which lets
// the process go, when the kernel would have done so: once the program has it all, or at the
// program's end when the kernel waits for that. Gives its exit status, 128 + N for signal N.
[[nodiscard]] Result<int> run_core_program(const Request& request, UniqueFd stream);

}  // namespace upcall::pass
