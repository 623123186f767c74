// SPDX-License-Identifier: Apache-2.0
#include "support/victim.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <stdexcept>

namespace upcall::test {
namespace {

[[noreturn]] void crash(int signal) {
  // Not raise(): the default action must hold whatever the parent has set.
  (void)std::signal(signal, SIG_DFL);
  ::kill(::getpid(), signal);
  for (;;) ::pause();
}

}  // namespace

Victim::Victim(const std::function<void()>& prepare, int signal) : pid_{::fork()} {
  if (pid_ == 0) {
    const rlimit unlimited{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    ::setrlimit(RLIMIT_CORE, &unlimited);
    if (prepare) prepare();
    crash(signal);
  }
  pidfd_ = UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
}

Victim::~Victim() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool Victim::ended(int milliseconds) const {
  pollfd end{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&end, 1, milliseconds) == 1;
}

int Victim::wait() {
  if (!ended(10'000)) throw std::runtime_error{"the victim does not end"};
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return status;
}

}  // namespace upcall::test
