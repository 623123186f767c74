// SPDX-License-Identifier: Apache-2.0
// Notes when it was started, by the monotonic clock, at the end of the file that is its last
// argument. Pipe helper and handler alike, for tests/bench/latency.py; without a C library, whose
// own start would be most of what is measured.
#include <fcntl.h>
#include <sys/syscall.h>

#include <ctime>

#include "shims/system_call.h"

// Freestanding, main is a function like any other, and broker/shims/start.cpp calls it.
// NOLINTNEXTLINE(misc-use-internal-linkage)
int main(int argc, char** argv) {
  using namespace upcall::shim;
  timespec now{};
  system_call(SYS_clock_gettime, CLOCK_MONOTONIC, address_of(&now));
  const long file = system_call(SYS_openat, AT_FDCWD, address_of(argv[argc - 1]),
                                O_WRONLY | O_APPEND | O_CLOEXEC);
  const long nanoseconds = (now.tv_sec * 1'000'000'000L) + now.tv_nsec;
  const auto written = system_call(SYS_write, file, address_of(&nanoseconds), sizeof nanoseconds);
  return written == sizeof nanoseconds ? 0 : 1;
}
