// SPDX-License-Identifier: Apache-2.0
#include "kernel/pidfd.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace upcall::kernel {
namespace {

TEST(StillExists, IsFalseOnceTheProcessIsReaped) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  const auto pidfd = open_pidfd(child);
  ASSERT_TRUE(pidfd);
  EXPECT_TRUE(still_exists(pidfd->get()));
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(still_exists(pidfd->get()));
}

}  // namespace
}  // namespace upcall::kernel
