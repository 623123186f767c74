// SPDX-License-Identifier: Apache-2.0
// A thread with UTS and network namespaces of its own crashes; the other threads stay in the
// container's.
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>
#include <thread>

#include "crash_here.h"

namespace {

constexpr std::string_view kHostName = "of-the-crashing-thread";

void crash_elsewhere() {
  if (unshare(CLONE_NEWUTS | CLONE_NEWNET) != 0 ||
      sethostname(kHostName.data(), kHostName.size()) != 0) {
    perror("thread_namespace: leave the namespaces");
    _exit(2);
  }
  victims::crash_here();
}

}  // namespace

int main() {
  std::thread{crash_elsewhere}.join();
  return 2;
}
