// SPDX-License-Identifier: Apache-2.0
// The static program itself, in the places that it has to cope with: each test in a mount namespace
// of its own, so it needs root.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "base/memfd.h"
#include "base/unique_fd.h"
#include "elf_core.h"

namespace upcall::core {
namespace {

namespace fs = std::filesystem;

constexpr int kCannotPrepare = 99;

struct ProgramRun {
  int status{};
  std::string output;  // both streams
  int files{};         // left in the directory
};

// In the child: gives the number of entries of the directory as a last byte of the output.
[[noreturn]] void run_program(int core, int output, const std::function<bool()>& prepare,
                              const char* directory) {
  const bool ready = ::unshare(CLONE_NEWNS) == 0 &&
                     ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 && prepare();
  if (!ready) ::_exit(kCannotPrepare);
  const pid_t program = ::fork();
  if (program == 0) {
    ::dup2(core, 0);
    ::dup2(output, 1);
    ::dup2(output, 2);
    ::execl(UPCALL_CORE_PROGRAM, "core", nullptr);
    ::_exit(kCannotPrepare);
  }
  int status = 0;
  ::waitpid(program, &status, 0);
  std::error_code none;
  const auto files = std::distance(fs::directory_iterator{directory, none}, {});
  const auto count = static_cast<char>(files);
  if (::write(output, &count, 1) != 1) ::_exit(kCannotPrepare);
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128);
}

class CoreProgram : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
    std::string pattern = (fs::temp_directory_path() / "upcall-core-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = fs::canonical(pattern).string();
    ::setenv("UPCALL_WITH_DIRECTORY", directory_.c_str(), 1);
    ::setenv("UPCALL_WITH_COMPRESS", "none", 1);
  }
  void TearDown() override {
    for (const char* name : {"DIRECTORY", "COMPRESS", "KEEP_FREE"}) {
      ::unsetenv((std::string{"UPCALL_WITH_"} + name).c_str());
    }
    if (!directory_.empty()) fs::remove_all(directory_);
  }

  ProgramRun run(const Bytes& core, const std::function<bool()>& prepare) {
    const auto input = make_sealed_memfd("core", core);
    std::array<int, 2> ends{};
    if (!input || ::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
    ::lseek(input->get(), 0, SEEK_SET);
    const pid_t child = ::fork();
    if (child == 0) run_program(input->get(), ends[1], prepare, directory_.c_str());
    ::close(ends[1]);
    const UniqueFd output{ends[0]};
    ProgramRun result;
    std::array<char, 4096> buffer{};
    for (ssize_t n = 0; (n = ::read(output.get(), buffer.data(), buffer.size())) > 0;) {
      result.output.append(buffer.data(), static_cast<std::size_t>(n));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    result.status = WEXITSTATUS(status);
    if (!result.output.empty()) result.files = static_cast<unsigned char>(result.output.back());
    return result;
  }

  [[nodiscard]] bool mount_here(const char* type, const char* options) const {
    return ::mount("none", directory_.c_str(), type, 0, options) == 0;
  }

  std::string directory_;
};

TEST_F(CoreProgram, StoresOnAFileSystemWithoutUnnamedFiles) {
  const auto result =
      run(elf_core({noise(6 << 20)}), [&] { return mount_here("ramfs", "mode=0700"); });
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_NE(result.output.find("complete=yes"), std::string::npos) << result.output;
  EXPECT_EQ(result.files, 1) << "no temporary name is left";
}

TEST_F(CoreProgram, StoresWithoutProc) {
  const auto result =
      run(elf_core({noise(100)}), [] { return ::mount("none", "/proc", "tmpfs", 0, "") == 0; });
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(result.files, 1);
}

TEST_F(CoreProgram, LeavesTheRoomThatIsToStayFree) {
  ::setenv("UPCALL_WITH_KEEP_FREE", "50%", 1);
  const auto result =
      run(elf_core({noise(30 << 20)}), [&] { return mount_here("tmpfs", "mode=0700,size=24m"); });
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_NE(result.output.find("complete=no"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("reason=disk-full"), std::string::npos) << result.output;
  const auto at = result.output.find("stored=");
  ASSERT_NE(at, std::string::npos);
  EXPECT_LE(std::stoul(result.output.substr(at + 7)), 12U << 20U);
}

TEST_F(CoreProgram, KeepsWhatAFullDiskTakes) {
  ::setenv("UPCALL_WITH_KEEP_FREE", "0", 1);
  for (const char* compress : {"none", "zstd"}) {
    ::setenv("UPCALL_WITH_COMPRESS", compress, 1);
    const auto result =
        run(elf_core({noise(30 << 20)}), [&] { return mount_here("tmpfs", "mode=0700,size=9m"); });
    EXPECT_EQ(result.status, 0) << result.output;
    EXPECT_NE(result.output.find("reason=disk-full"), std::string::npos) << result.output;
    EXPECT_EQ(result.files, 1);
  }
}

TEST_F(CoreProgram, MayBeRetriedWhenThereIsNoRoomAtAll) {
  const auto result =
      run(elf_core({noise(100)}), [&] { return mount_here("tmpfs", "mode=0700,size=512k"); });
  EXPECT_EQ(result.status, 75) << result.output;
  EXPECT_NE(result.output.find("cannot store a core in"), std::string::npos) << result.output;
  EXPECT_EQ(result.files, 0);
}

TEST_F(CoreProgram, FailsWhereItMayNotWrite) {
  const auto result = run(elf_core({noise(100)}), [&] {
    return mount_here("tmpfs", "mode=0700") &&
           ::mount("none", directory_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "mode=0700") == 0;
  });
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.output.find("Read-only file system; "), std::string::npos) << result.output;
}

}  // namespace
}  // namespace upcall::core
