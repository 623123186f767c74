// SPDX-License-Identifier: Apache-2.0
#include "kernel/directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>

#include <filesystem>
#include <fstream>

#include "base/unique_fd.h"

namespace upcall::kernel {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class Directory : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "upcall-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
    fd_ = UniqueFd{::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    inotify_ = UniqueFd{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    ASSERT_GE(::inotify_add_watch(inotify_.get(), name.c_str(),
                                  IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_DELETE_SELF),
              0);
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

  void make(const std::string& name) const { std::ofstream{path_ / name} << "x"; }

  std::filesystem::path path_;
  UniqueFd fd_;
  UniqueFd inotify_;
};

TEST_F(Directory, IsListedEachTimeFromItsStart) {
  EXPECT_THAT(*list_entries(fd_.get()), ElementsAre());
  make("a");
  make("b");
  EXPECT_THAT(*list_entries(fd_.get()), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(*list_entries(fd_.get()), UnorderedElementsAre("a", "b"));
  EXPECT_FALSE(list_entries(inotify_.get()));
}

TEST_F(Directory, TellsWhatCameAndWent) {
  EXPECT_FALSE(read_changes(inotify_.get())->has_value());
  make("a name of some length");
  std::filesystem::remove(path_ / "a name of some length");
  const auto changes = read_changes(inotify_.get());
  ASSERT_TRUE(changes && *changes);
  ASSERT_EQ((*changes)->changes.size(), 2U);
  EXPECT_EQ((*changes)->changes[0].entry, "a name of some length");
  EXPECT_TRUE((*changes)->changes[0].came);
  EXPECT_FALSE((*changes)->changes[1].came);
  EXPECT_FALSE((*changes)->overrun || (*changes)->gone);
}

TEST_F(Directory, TellsItsOwnEnd) {
  std::filesystem::remove(path_);
  fd_.reset();
  const auto changes = read_changes(inotify_.get());
  ASSERT_TRUE(changes && *changes);
  EXPECT_TRUE((*changes)->gone);
}

}  // namespace
}  // namespace upcall::kernel
