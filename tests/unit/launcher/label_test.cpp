// SPDX-License-Identifier: Apache-2.0
// What security modules show of a process, and what they want to hear of what it executes.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "launcher/subject.h"

namespace upcall::launcher {
namespace {

namespace fs = std::filesystem;

class LabelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "upcall-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
    fs::create_directories(path_ / "attr/apparmor");
  }
  void TearDown() override { fs::remove_all(path_); }

  void show(const char* attribute, const std::string& text) const {
    std::ofstream{path_ / "attr" / attribute} << text;
  }
  [[nodiscard]] Label label() const {
    const auto read = read_label(path_);
    EXPECT_TRUE(read);
    return read ? *read : Label{};
  }

  fs::path path_;
};

TEST_F(LabelTest, IsNoneWithoutAModuleThatLabels) { EXPECT_EQ(label().file, nullptr); }

TEST_F(LabelTest, IsAskedForByTheNameOfTheProfileAlone) {
  // "current" shows AppArmor's, too, where it is the first module that labels.
  show("current", "docker-default (enforce)\n");
  show("apparmor/current", "docker-default (enforce)\n");
  EXPECT_STREQ(label().file, "/proc/thread-self/attr/apparmor/exec");
  EXPECT_EQ(label().request, "exec docker-default");
  show("apparmor/current", "unconfined\n");
  EXPECT_EQ(label().request, "exec unconfined");
  show("apparmor/current", "outer//&:ns:inner (1) (mixed)\n");
  EXPECT_EQ(label().request, "exec outer//&:ns:inner (1)");
}

TEST_F(LabelTest, IsAskedForAsAContext) {
  const std::string context = "system_u:system_r:container_t:s0:c1,c2";
  show("current", context + '\0');
  EXPECT_STREQ(label().file, "/proc/thread-self/attr/exec");
  EXPECT_EQ(label().request, context);
}

}  // namespace
}  // namespace upcall::launcher
