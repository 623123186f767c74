// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "launcher/vault.h"

namespace upcall::launcher {
namespace {

class Vault : public ::testing::Test {
 protected:
  Vault() {
    const std::array files = {VaultFile{.name = "box", .source = "/usr/bin/busybox"}};
    auto made = make_vault(files);
    EXPECT_TRUE(made) << describe(made.error());
    if (made) vault_ = *std::move(made);
  }
  UniqueFd vault_;
};

TEST_F(Vault, GivesProgramsThatRun) {
  const UniqueFd program{::openat(vault_.get(), "box", O_PATH | O_CLOEXEC)};
  ASSERT_TRUE(program);
  const pid_t child = ::fork();
  if (child == 0) {
    std::array<char*, 2> arguments = {const_cast<char*>("true"), nullptr};
    ::fexecve(program.get(), arguments.data(), arguments.data() + 1);
    ::_exit(127);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(Vault, CannotBeChanged) {
  const auto refused = [&](int result) { return result != 0 && errno == EROFS; };
  EXPECT_TRUE(refused(::fchmodat(vault_.get(), "box", 0777, 0)));
  EXPECT_TRUE(refused(::unlinkat(vault_.get(), "box", 0)));
  EXPECT_EQ(::openat(vault_.get(), "box", O_RDWR | O_CLOEXEC), -1);
  EXPECT_EQ(errno, EROFS);
  EXPECT_EQ(::openat(vault_.get(), "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), -1);
  EXPECT_EQ(errno, EROFS);
}

TEST_F(Vault, CannotBeMadeWritableThroughAProgram) {
  const UniqueFd program{::openat(vault_.get(), "box", O_PATH | O_CLOEXEC)};
  mount_attr attributes{.attr_clr = MOUNT_ATTR_RDONLY};
  EXPECT_NE(::mount_setattr(program.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes), 0);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(::fspick(program.get(), "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST_F(Vault, HoldsProgramsThatOnlyExecute) {
  struct stat status {};
  ASSERT_EQ(::fstatat(vault_.get(), "box", &status, 0), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0111U);
}

}  // namespace
}  // namespace upcall::launcher
