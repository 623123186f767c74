// SPDX-License-Identifier: Apache-2.0
// The end of every victim: a function with a name that a debugger's backtrace must show.
#pragma once

#include <csignal>

namespace victims {

// Ends the process by `signal`. SEGV is a real write to an unmapped address, so that the kernel
// tells si_code and si_addr; every other signal is raised. Never inlined and never a tail call: its
// frame is what the tests look for.
[[noreturn]] void crash_here(int signal = SIGSEGV);

}  // namespace victims
