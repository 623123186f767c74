// SPDX-License-Identifier: Apache-2.0
#include "launcher/records.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/memfd.h"
#include "kernel/directory.h"

namespace upcall::launcher {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

constexpr std::uint32_t kStatus = 0;  // of record_files(RecordKind::crun)
constexpr std::uint32_t kConfig = 1;

class RecordsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only what root owns is a record";
    std::string name = ::testing::TempDir() + "upcall-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
    fs::create_directory(path_ / "web");
    write("web/status", "of web");
  }
  void TearDown() override { fs::remove_all(path_); }

  void write(const fs::path& name, const std::string& text) const {
    std::ofstream{path_ / name} << text;
  }
  [[nodiscard]] static Records records(const fs::path& directory) {
    return Records{{{.kind = wire::RecordKind::crun, .path = directory}}};
  }
  // The errno of what must fail.
  [[nodiscard]] int refusal(const std::string& name, std::uint32_t file = kStatus) const {
    const auto record = records(path_).open_record(0, file, name);
    return record ? 0 : record.error().code.value();
  }

  fs::path path_;
};

TEST_F(RecordsTest, AreCopiedWhole) {
  const auto record = records(path_).open_record(0, kStatus, "web");
  ASSERT_TRUE(record);
  EXPECT_EQ(*read_sealed_memfd(record->get()), "of web");
}

TEST_F(RecordsTest, AreListedAndWatched) {
  const auto watched = records(path_).open_directory(0);
  ASSERT_TRUE(watched);
  EXPECT_EQ(*read_sealed_memfd(watched->entries.get()), "web\0"s);
  fs::create_directory(path_ / "db");
  const auto changes = kernel::read_changes(watched->changes.get());
  ASSERT_TRUE(changes && *changes);
  ASSERT_EQ((*changes)->changes.size(), 1U);
  EXPECT_EQ((*changes)->changes.front().entry, "db");
}

TEST_F(RecordsTest, AreNothingElse) {
  EXPECT_EQ(refusal("web"), 0);
  EXPECT_EQ(refusal("db"), ENOENT);
  EXPECT_EQ(refusal("web", kConfig), ENOENT);
  EXPECT_EQ(refusal("web", 7), EINVAL);
  for (const char* name : {"", ".", "..", "web/..", "/etc", "../x"})
    EXPECT_EQ(refusal(name), EINVAL);
  EXPECT_FALSE(records(path_).open_record(1, kStatus, "web"));
  EXPECT_FALSE(records(path_).open_directory(1));
}

// tests/kernel/launcher_inits.py has what an attacker might write.
TEST_F(RecordsTest, BeginWithTheInit) {
  const auto check = [this](pid_t pid, std::uint64_t start, std::uint32_t file = kStatus) {
    const auto checked = records(path_).check_init(0, file, "web", pid, start);
    return checked ? 0 : checked.error().code.value();
  };
  for (const char* text : {"{\n    \"pid\": 4711,\n    \"process-start-time\": 99,\n    \"x\": 1}",
                           R"({"pid":4711,"process-start-time":99,"x":1})"}) {
    write("web/status", text);
    EXPECT_EQ(check(4711, 99), 0) << text;
    EXPECT_EQ(check(471, 99), EPERM) << text;
    EXPECT_EQ(check(4711, 9), EPERM) << text;
  }
  write("web/config.json", R"({"pid":4711,"process-start-time":99,)");
  EXPECT_EQ(check(4711, 99, kConfig), EINVAL) << "which is no file of an init's";
  write("web/status", R"( "{"pid":4711,"process-start-time":99,)");
  EXPECT_EQ(check(4711, 99), EPERM);
}

TEST_F(RecordsTest, AreReachedByNoLink) {
  fs::create_directory_symlink(path_ / "web", path_ / "link");
  EXPECT_EQ(refusal("link"), ELOOP);
  fs::create_directory(path_ / "db");
  fs::create_symlink("/etc/shadow", path_ / "db/status");
  EXPECT_EQ(refusal("db"), ELOOP);
  EXPECT_FALSE(records(path_ / "link").open_directory(0));
}

TEST_F(RecordsTest, AreOnlyRootsToWrite) {
  ASSERT_EQ(::chmod((path_ / "web/status").c_str(), 0622), 0);
  EXPECT_EQ(refusal("web"), EPERM);
  ASSERT_EQ(::chmod((path_ / "web/status").c_str(), 0600), 0);
  ASSERT_EQ(::chown((path_ / "web/status").c_str(), 65534, 0), 0);
  EXPECT_EQ(refusal("web"), EPERM);
  ASSERT_EQ(::chown((path_ / "web/status").c_str(), 0, 0), 0);
  ASSERT_EQ(::chmod((path_ / "web").c_str(), 0777), 0);
  EXPECT_EQ(refusal("web"), EPERM) << "where somebody can put another one";
  ASSERT_EQ(::chmod((path_ / "web").c_str(), 0700), 0);
  ASSERT_EQ(::chmod(path_.c_str(), 0777), 0);
  EXPECT_EQ(refusal("web"), EPERM);
}

TEST_F(RecordsTest, AreFilesOfABoundedSize) {
  fs::create_directory(path_ / "db");
  ASSERT_EQ(::mkfifo((path_ / "db/status").c_str(), 0600), 0);
  EXPECT_EQ(refusal("db"), EINVAL);
  fs::resize_file(path_ / "web/status", (4U << 20U) + 1);
  EXPECT_EQ(refusal("web"), EFBIG);
}

}  // namespace
}  // namespace upcall::launcher
