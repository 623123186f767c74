// SPDX-License-Identifier: Apache-2.0
#include "support/core_pattern_guard.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace upcall::test {
namespace {

constexpr const char* kLock = "/tmp/upcall.kernel.lock";
// Puts the settings back when `owner` ends, however it does: by a signal, by a sanitizer's _exit().
[[noreturn]] void keep(int owner, const kernel::CoreSettings& settings) {
  ::setsid();  // Ctrl-C is not for us
  pollfd ended{.fd = owner, .events = POLLIN, .revents = 0};
  while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
  }
  ::_exit(kernel::write_core_settings(settings) ? 0 : 1);
}

UniqueFd take_lock() {
  UniqueFd lock{::open(kLock, O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!lock || ::flock(lock.get(), LOCK_EX) != 0)
    or_throw(Result<Ok>{from_errno("lock core_pattern")});
  return lock;
}

}  // namespace

CorePatternGuard::CorePatternGuard()
    : lock_{take_lock()}, before_{or_throw(kernel::read_core_settings())} {
  or_throw(
      kernel::write_core_settings(before_));  // fails here, and not in a test, without the right to
  const UniqueFd ourselves{static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0))};
  if (!ourselves) or_throw(Result<Ok>{from_errno("watch ourselves")});
  keeper_ = ::fork();
  if (keeper_ == 0) keep(ourselves.get(), before_);
  if (keeper_ < 0) or_throw(Result<Ok>{from_errno("start what restores core_pattern")});
}

CorePatternGuard::~CorePatternGuard() {
  ::kill(keeper_, SIGKILL);
  ::waitpid(keeper_, nullptr, 0);
  // A machine whose core_pattern is a dead test's is worse than a test run cut short.
  if (!kernel::write_core_settings(before_)) std::abort();
}

}  // namespace upcall::test
