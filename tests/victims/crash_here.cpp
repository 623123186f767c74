// SPDX-License-Identifier: Apache-2.0
#include "crash_here.h"

#include <unistd.h>

#include <cstdint>

namespace victims {

[[noreturn, gnu::noinline]] void crash_here(int signal) {
  // Out of reach for every process, and easy to recognise in a core. Volatile, or the compiler
  // would see that it is no object and leave the write out.
  const volatile std::uintptr_t unmapped = 0x10;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): it is to point at nothing
  if (signal == SIGSEGV) *reinterpret_cast<volatile int*>(unmapped) = 1;
  static_cast<void>(raise(signal));
  _exit(1);  // the signal was ignored or blocked: whoever waits sees that we did not crash
}

}  // namespace victims
