// SPDX-License-Identifier: Apache-2.0
#include "kernel/core_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace upcall::kernel {
namespace {

using ::testing::HasSubstr;

TEST(CorePatternKind, IsToldByTheFirstBytes) {
  EXPECT_EQ(core_pattern_kind("core"), CorePatternKind::file);
  EXPECT_EQ(core_pattern_kind(""), CorePatternKind::file);
  EXPECT_EQ(core_pattern_kind("/var/@@/core"), CorePatternKind::file);
  EXPECT_EQ(core_pattern_kind("|/bin/x %P"), CorePatternKind::program);
  EXPECT_EQ(core_pattern_kind("@/run/s"), CorePatternKind::stream_socket);
  EXPECT_EQ(core_pattern_kind("@@/run/s"), CorePatternKind::request_socket);
}

// A folder that looks like /proc/sys/kernel, of ordinary files.
class CorePattern : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "core_pattern.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    set("core_pattern", "core\n");
    set("core_pipe_limit", "0\n");
    set("core_uses_pid", "1\n");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void set(const char* name, const char* text) const { std::ofstream{folder_ / name} << text; }

  std::filesystem::path folder_;
};

TEST_F(CorePattern, ReadsAndWritesWhatIsThere) {
  const auto before = read_core_settings(folder_);
  ASSERT_TRUE(before) << describe(before.error());
  EXPECT_EQ(*before, (CoreSettings{.pattern = "core", .pipe_limit = 0, .uses_pid = true}));

  const CoreSettings other{.pattern = "|/bin/x  %P", .pipe_limit = 16, .uses_pid = false};
  ASSERT_TRUE(write_core_settings(other, folder_));
  EXPECT_EQ(*read_core_settings(folder_), other);
}

TEST_F(CorePattern, SaysWhichFileIsMissing) {
  std::filesystem::remove(folder_ / "core_pipe_limit");
  const auto settings = read_core_settings(folder_);
  ASSERT_FALSE(settings);
  EXPECT_THAT(describe(settings.error()), HasSubstr("core_pipe_limit"));
}

TEST_F(CorePattern, NoticesAKernelThatTakesAPatternAndForgetsIt) {
  std::filesystem::remove(folder_ / "core_pattern");
  std::filesystem::create_symlink("/dev/null", folder_ / "core_pattern");
  const auto written = write_core_pattern("@@/run/s", folder_);
  ASSERT_FALSE(written);
  EXPECT_THAT(describe(written.error()), HasSubstr("it reads ''"));
}

TEST_F(CorePattern, RefusesWhatTheKernelWouldCut) {
  EXPECT_TRUE(write_core_pattern(std::string(127, 'x'), folder_));
  EXPECT_FALSE(write_core_pattern(std::string(128, 'x'), folder_));
}

TEST_F(CorePattern, ReadsTheListOfModes) {
  EXPECT_TRUE(read_core_modes(folder_)->empty());
  set("core_modes", "file\npipe\nsocket\n");
  EXPECT_EQ(*read_core_modes(folder_), (std::vector<std::string>{"file", "pipe", "socket"}));
}

TEST_F(CorePattern, TakesOnlySocketPathsThatTheKernelCanUse) {
  EXPECT_EQ(*socket_core_pattern(folder_ / "s"), "@@" + (folder_ / "s").string());
  EXPECT_EQ(*socket_core_pattern("/a..b"), "@@/a..b");
  for (const std::string path :
       {"", "run/s", "@/run/s", "/run/s p", "/run/s\n", "/tmp/../s", "/..", "/missing/s"}) {
    EXPECT_FALSE(socket_core_pattern(path)) << path;
  }
  const std::string longest = "/" + std::string(106, 'x');
  EXPECT_TRUE(socket_core_pattern(longest));
  EXPECT_EQ(socket_core_pattern(longest + "x").error().code, std::errc::filename_too_long);
}

TEST_F(CorePattern, RefusesASymlinkInAnyPartOfTheSocketPath) {
  std::filesystem::create_directory(folder_ / "real");
  std::filesystem::create_symlink("real", folder_ / "link");
  std::filesystem::create_symlink("nowhere", folder_ / "real" / "s");
  EXPECT_TRUE(socket_core_pattern(folder_ / "real" / "t"));
  for (const char* path : {"link/t", "real/s"}) {
    const auto pattern = socket_core_pattern(folder_ / path);
    ASSERT_FALSE(pattern) << path;
    EXPECT_EQ(pattern.error().code, std::errc::too_many_symbolic_link_levels) << path;
  }
}

TEST_F(CorePattern, NamesEveryValueOfTheShim) {
  EXPECT_EQ(*shim_core_pattern("/usr/libexec/upcalld/upcall-shim", "/tmp/s"),
            "|/usr/libexec/upcalld/upcall-shim core /tmp/s P=%P I=%I s=%s d=%d F=%F");
}

TEST_F(CorePattern, RefusesAShimThatDoesNotFit) {
  EXPECT_TRUE(shim_core_pattern("/" + std::string(88, 'x'), "/tmp/s"));
  const auto pattern = shim_core_pattern("/" + std::string(89, 'x'), "/tmp/s");
  ASSERT_FALSE(pattern);
  EXPECT_THAT(describe(pattern.error()), HasSubstr("it takes 128"));
  EXPECT_FALSE(shim_core_pattern("/bin/100%", "/tmp/s"));
  EXPECT_FALSE(shim_core_pattern("/bin/my shim", "/tmp/s"));
  EXPECT_FALSE(shim_core_pattern("upcall-shim", "/tmp/s"));
}

}  // namespace
}  // namespace upcall::kernel
