// SPDX-License-Identifier: Apache-2.0
#include "support/core_pattern_guard.h"

#include <fcntl.h>
#include <sys/file.h>

#include <array>
#include <csignal>
#include <cstring>

namespace upcall::test {
namespace {

constexpr const char* kLock = "/tmp/upcall.kernel.lock";
constexpr std::array kEndings = {SIGHUP, SIGINT, SIGTERM, SIGABRT, SIGSEGV, SIGALRM};

// What the signal handler writes: plain bytes, as it may not allocate.
struct RawSettings {
  std::array<char, 128> pattern;
  std::array<char, 16> pipe_limit;
  char uses_pid;
} raw_before;

pid_t owner = 0;

void write_raw(const char* path, const char* bytes, std::size_t size) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  // Nothing is left to be done about a failure while we die.
  [[maybe_unused]] const ssize_t written = ::write(fd, bytes, size);
  ::close(fd);
}

void restore_and_die(int signal) {
  if (::getpid() == owner) {  // and not a victim, which inherits the handler
    write_raw("/proc/sys/kernel/core_uses_pid", &raw_before.uses_pid, 1);
    write_raw("/proc/sys/kernel/core_pipe_limit", raw_before.pipe_limit.data(),
              std::strlen(raw_before.pipe_limit.data()));
    write_raw("/proc/sys/kernel/core_pattern", raw_before.pattern.data(),
              std::strlen(raw_before.pattern.data()));
  }
  ::raise(signal);  // SA_RESETHAND: the default action follows
}

void arm(const kernel::CoreSettings& settings) {
  raw_before = {};
  settings.pattern.copy(raw_before.pattern.data(), raw_before.pattern.size() - 1);
  std::to_string(settings.pipe_limit)
      .copy(raw_before.pipe_limit.data(), raw_before.pipe_limit.size() - 1);
  raw_before.uses_pid = settings.uses_pid ? '1' : '0';
  owner = ::getpid();
  struct sigaction action {};
  action.sa_handler = restore_and_die;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  for (const int signal : kEndings) ::sigaction(signal, &action, nullptr);
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
  arm(before_);
  or_throw(
      kernel::write_core_settings(before_));  // fails here, and not in a test, without the right to
}

CorePatternGuard::~CorePatternGuard() {
  for (const int signal : kEndings) std::signal(signal, SIG_DFL);
  // A machine whose core_pattern is a dead test's is worse than a test run cut short.
  if (!kernel::write_core_settings(before_)) std::abort();
}

}  // namespace upcall::test
