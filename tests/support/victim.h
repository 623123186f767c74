// SPDX-License-Identifier: Apache-2.0
// A child that does what the test says and then dumps core.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <functional>

#include "base/unique_fd.h"

namespace upcall::test {

class Victim {
 public:
  // `prepare` runs in the child right before the crash; RLIMIT_CORE is unlimited unless it changes
  // that.
  explicit Victim(const std::function<void()>& prepare = {}, int signal = SIGSEGV);
  ~Victim();
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  Victim(Victim&&) = delete;
  Victim& operator=(Victim&&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Whether it has ended, after `milliseconds` at most.
  [[nodiscard]] bool ended(int milliseconds) const;
  // Its wait status, after ten seconds at most; throws std::runtime_error when it does not end.
  int wait();

 private:
  pid_t pid_{-1};
  UniqueFd pidfd_;
};

}  // namespace upcall::test
