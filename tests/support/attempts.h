// SPDX-License-Identifier: Apache-2.0
// What an attacker may try on a process, on an executable and on the descriptors of a handler;
// nothing is hidden when it succeeds. Each attempt is told as "SUCCESS" or the name of its errno:
// whether that is well or ill is for the test to say.
#pragma once

#include <sys/types.h>

#include <string>

namespace upcall::testing {

// On another process, by /proc, by pidfd and by ptrace.
[[nodiscard]] std::string attempts_on_process(pid_t pid);

// On a file that is or was executed, by any path to it. `file` is a descriptor of it, or -1.
[[nodiscard]] std::string attempts_on_executable(const std::string& path, int file);

// By a handler, on whatever it was given and on those who started it. `device` is a character
// device of the host, "MAJOR:MINOR", to be made and opened, and then that is all; may be empty.
[[nodiscard]] std::string attempts_of_handler(const std::string& device);

// The result of a system call as it is told. A descriptor stays open.
[[nodiscard]] std::string told(long result);

}  // namespace upcall::testing
