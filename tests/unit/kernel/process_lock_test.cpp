// SPDX-License-Identifier: Apache-2.0
#include "kernel/process_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/unique_fd.h"

namespace upcall::kernel {
namespace {

constexpr std::uint32_t kByte = 1;

// Runs `look` in a child, which sees our locks as any other process does.
template <class Look>
bool in_a_child(Look look) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(look() ? 0 : 1);
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class ProcessLock : public ::testing::Test {
 protected:
  UniqueFd file_{::memfd_create("lock", MFD_CLOEXEC)};
};

TEST_F(ProcessLock, IsHadByOneProcessWhoseNumberOthersLearn) {
  ASSERT_FALSE(or_throw(take_lock(file_.get(), kByte)));
  const pid_t we = ::getpid();
  EXPECT_TRUE(in_a_child([&] { return or_throw(take_lock(file_.get(), kByte)) == we; }));
  EXPECT_TRUE(in_a_child([&] { return or_throw(lock_holder(file_.get(), kByte)) == we; }));
  EXPECT_TRUE(in_a_child([&] { return !or_throw(take_lock(file_.get(), kByte + 1)); }));
}

TEST_F(ProcessLock, IsNoHindranceToWhoHasIt) {
  ASSERT_FALSE(or_throw(take_lock(file_.get(), kByte)));
  EXPECT_FALSE(or_throw(lock_holder(file_.get(), kByte)));
  EXPECT_FALSE(or_throw(take_lock(file_.get(), kByte)));
}

TEST_F(ProcessLock, EndsWithItsProcessThoughAChildOfThatLivesOn) {
  std::array<int, 2> held{};
  ASSERT_EQ(::pipe2(held.data(), O_CLOEXEC), 0);
  const UniqueFd wait{held[0]};
  UniqueFd go{held[1]};
  EXPECT_TRUE(in_a_child([&] {
    if (or_throw(take_lock(file_.get(), kByte))) return false;
    const pid_t grandchild = ::fork();
    if (grandchild != 0) return grandchild > 0;
    go.reset();
    char end = 0;
    (void)!::read(wait.get(), &end, 1);  // until the test has looked
    ::_exit(0);
  }));
  EXPECT_FALSE(or_throw(take_lock(file_.get(), kByte)));
  go.reset();
}

}  // namespace
}  // namespace upcall::kernel
