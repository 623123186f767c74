// SPDX-License-Identifier: Apache-2.0
// Installed set-uid and started by another user, it holds memory that this user may not read, and
// crashes.
#include <sys/auxv.h>
#include <unistd.h>

#include <cstdio>

#include "crash_here.h"

int main() {
  if (getauxval(AT_SECURE) == 0) {
    static_cast<void>(fputs("setuid_crash: not started set-uid\n", stderr));
    return 2;
  }
  victims::crash_here();
}
