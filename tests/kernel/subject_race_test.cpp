// SPDX-License-Identifier: Apache-2.0
// A process gets all capabilities the moment that it makes a user namespace, but only there: no
// look at it may find them and still the namespace that it came from.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "launcher/own.h"
#include "launcher/subject.h"

namespace upcall::launcher {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uid_t kNobody = 65534;
constexpr int kTries = 1000;
constexpr int kLongestDelay = 300;  // microseconds: about as long as a look takes

// Without any capability, until it makes itself a user namespace.
[[noreturn]] void move_when_told(int ready, int delays) {
  int delay = 0;
  if (::setresuid(kNobody, kNobody, kNobody) != 0 || ::write(ready, "r", 1) != 1 ||
      ::read(delays, &delay, sizeof delay) != sizeof delay)
    ::_exit(1);
  const auto end = Clock::now() + std::chrono::microseconds{delay};
  while (Clock::now() < end) {
  }
  if (::unshare(CLONE_NEWUSER) != 0) ::_exit(1);
  for (;;) ::pause();
}

class MovingProcess : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    auto own = kernel::open_namespaces({}, "/proc/self");
    ASSERT_TRUE(own);
    host_user_ = own->id(kernel::Namespace::user);
  }
  // What is seen of a process that moves some time after the look began.
  static Result<Subject> look_at_one_that_moves(int delay) {
    std::array<int, 2> ready{};
    std::array<int, 2> delays{};
    EXPECT_EQ(::pipe2(ready.data(), O_CLOEXEC) | ::pipe2(delays.data(), O_CLOEXEC), 0);
    const std::array<UniqueFd, 4> fds{UniqueFd{ready[0]}, UniqueFd{ready[1]}, UniqueFd{delays[0]},
                                      UniqueFd{delays[1]}};
    const pid_t pid = ::fork();
    if (pid == 0) move_when_told(ready[1], delays[0]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    EXPECT_EQ(::write(delays[1], &delay, sizeof delay), sizeof delay);
    auto seen = read_subject({.pid = pid, .tid = pid}, Own{});
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return seen;
  }

  std::uint64_t host_user_{};
};

TEST_F(MovingProcess, IsNeverSeenWithRightsOfANamespaceThatItWasNotSeenIn) {
  int before = 0;
  int between = 0;
  for (int i = 0; i < kTries; ++i) {
    const auto seen = look_at_one_that_moves(i * 37 % kLongestDelay);
    if (!seen) {
      ++between;
      continue;
    }
    const bool at_home = seen->namespaces.id(kernel::Namespace::user) == host_user_;
    ASSERT_EQ(seen->status.permitted == 0, at_home) << "in try " << i;
    if (at_home) ++before;
  }
  // Else nothing was found out.
  EXPECT_GT(before, 0);
  EXPECT_GT(between, 0) << "it never moved during a look";
}

}  // namespace
}  // namespace upcall::launcher
