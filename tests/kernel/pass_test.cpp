// SPDX-License-Identifier: Apache-2.0
// The handler `pass` beside the running kernel: the same crash, dealt with by both.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "support/core_pattern_guard.h"
#include "support/helper_program.h"
#include "support/victim.h"

namespace upcall::test {
namespace {

const std::filesystem::path kPass = std::filesystem::path{UPCALL_BUILD_FOLDER} / "libexec" / "pass";

std::string contents(const std::filesystem::path& path) {
  // Not by its size, as files of /proc have none; and not by characters, which takes seconds.
  std::stringstream bytes;
  bytes << std::ifstream{path, std::ios::binary}.rdbuf();
  return bytes.str();
}

// A stretch of memory that was never touched, with data at both ends: a hole in the core.
void make_sparse_memory() {
  constexpr std::size_t kSize = std::size_t{8} << 20;
  auto* memory = static_cast<char*>(
      ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  memory[0] = 'a';
  memory[kSize - 1] = 'z';
}

class Pass : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may set core_pattern";
    std::string name = "/tmp/p.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    errors_ = folder_ / "errors";
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  // The core that the kernel itself writes for such a crash, in a file named "kernel".
  void kernel_core(rlim_t limit) {
    const CorePatternGuard guard;
    ASSERT_TRUE(CorePatternGuard::set((folder_ / "kernel").string()));
    Victim victim{[limit] {
      make_sparse_memory();
      const rlimit core{.rlim_cur = limit, .rlim_max = limit};
      ::setrlimit(RLIMIT_CORE, &core);
    }};
    const int status = victim.wait();
    ASSERT_TRUE(WIFSIGNALED(status));
  }

  // Runs pass in `folder_` as the launcher does, its input a stream socket; gives its exit status.
  int run_pass(const std::string& core, std::vector<std::string> environment, int pidfd = -1) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    const UniqueFd ours{ends[0]};
    UniqueFd theirs{ends[1]};
    const pid_t child = ::fork();
    if (child == 0) become_pass(std::move(environment), theirs.get(), pidfd);
    theirs.reset();
    std::size_t sent = 0;
    while (sent < core.size()) {
      const ssize_t size = ::send(ours.get(), core.data() + sent, core.size() - sent, MSG_NOSIGNAL);
      if (size < 0) break;  // it may want no more
      sent += static_cast<std::size_t>(size);
    }
    ::shutdown(ours.get(), SHUT_WR);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  [[noreturn]] void become_pass(std::vector<std::string> environment, int stream, int pidfd) const {
    std::vector<char*> pointers;
    pointers.reserve(environment.size() + 1);
    for (auto& variable : environment) pointers.push_back(variable.data());
    pointers.push_back(nullptr);
    std::string name = kPass;
    std::array<char*, 2> arguments{name.data(), nullptr};
    const int errors = ::open(errors_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (errors < 0) ::_exit(98);
    ::dup2(errors, 2);
    ::dup2(stream, 0);
    if (pidfd >= 0) ::dup2(pidfd, 4);
    if (::chdir(folder_.c_str()) == 0) ::execve(kPass.c_str(), arguments.data(), pointers.data());
    ::_exit(99);
  }

  void expect_same_file() const {
    struct stat kernels {};
    struct stat ours {};
    ASSERT_EQ(::lstat((folder_ / "kernel").c_str(), &kernels), 0);
    ASSERT_EQ(::lstat((folder_ / "pass").c_str(), &ours), 0) << contents(errors_);
    EXPECT_EQ(ours.st_mode, kernels.st_mode);
    EXPECT_EQ(ours.st_uid, kernels.st_uid);
    EXPECT_EQ(ours.st_gid, kernels.st_gid);
    EXPECT_EQ(ours.st_size, kernels.st_size);
    // Pages that are zero without being holes are holes of ours; each file may need a block or two
    // of the file system's to say where its holes are.
    EXPECT_LE(ours.st_blocks, kernels.st_blocks + (2 * ours.st_blksize / S_BLKSIZE));
    EXPECT_EQ(contents(folder_ / "pass"), contents(folder_ / "kernel"));
  }

  std::filesystem::path folder_;
  std::filesystem::path errors_;
};

TEST_F(Pass, WritesTheFileThatTheKernelWrites) {
  kernel_core(RLIM_INFINITY);
  const auto core = contents(folder_ / "kernel");
  ASSERT_GT(core.size(), std::size_t{8} << 20);
  std::ofstream{folder_ / "pass"} << "an older core, which is replaced";
  EXPECT_EQ(run_pass(core, {"UPCALL_WITH_PATTERN=pass", "UPCALL_DUMPABLE=1",
                            "UPCALL_CORE_LIMIT=unlimited"}),
            0);
  expect_same_file();
  struct stat ours {};
  ASSERT_EQ(::lstat((folder_ / "pass").c_str(), &ours), 0);
  EXPECT_LT(ours.st_blocks * 512, ours.st_size - (std::int64_t{7} << 20));
}

TEST_F(Pass, CutsTheFileAtTheLimit) {
  constexpr rlim_t kLimit = 65536;
  // Nothing is read in between: both are cores of this process's memory, and must be of the same.
  kernel_core(kLimit);
  std::filesystem::rename(folder_ / "kernel", folder_ / "cut");
  kernel_core(RLIM_INFINITY);
  const auto cut = contents(folder_ / "cut");
  const auto core = contents(folder_ / "kernel");
  EXPECT_EQ(
      run_pass(core, {"UPCALL_WITH_PATTERN=pass", "UPCALL_DUMPABLE=1", "UPCALL_CORE_LIMIT=65536"}),
      0);
  const auto ours = contents(folder_ / "pass");
  EXPECT_EQ(ours, core.substr(0, ours.size()));
  EXPECT_NEAR(static_cast<double>(ours.size()), static_cast<double>(cut.size()), 2 * 4096);
}

TEST_F(Pass, WritesNothingBelowOnePage) {
  kernel_core(4095);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "kernel"));
  EXPECT_EQ(
      run_pass("core", {"UPCALL_WITH_PATTERN=pass", "UPCALL_DUMPABLE=1", "UPCALL_CORE_LIMIT=4095"}),
      0);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "pass"));
}

TEST_F(Pass, NamesTheFileByTheFacts) {
  EXPECT_EQ(run_pass("core", {"UPCALL_WITH_PATTERN=c-%e-%P-%u", "UPCALL_WITH_USES_PID=1",
                              "UPCALL_DUMPABLE=1", "UPCALL_CORE_LIMIT=unlimited", "UPCALL_COMM=a/b",
                              "UPCALL_PID=1007", "UPCALL_INNER_PID=7", "UPCALL_UID=100000"}),
            0);
  EXPECT_EQ(contents(folder_ / "c-a!b-1007-100000.7"), "core");
}

TEST_F(Pass, WritesNotThroughALink) {
  std::ofstream{folder_ / "precious"} << "precious";
  const std::vector<std::string> user = {"UPCALL_WITH_PATTERN=pass", "UPCALL_DUMPABLE=1",
                                         "UPCALL_CORE_LIMIT=unlimited"};
  std::filesystem::create_symlink("precious", folder_ / "pass");
  EXPECT_EQ(run_pass("core", user), 0);  // the link is replaced
  EXPECT_EQ(contents(folder_ / "precious"), "precious");

  const auto path = (folder_ / "root").string();
  std::filesystem::create_symlink("precious", path);
  EXPECT_EQ(run_pass("core", {"UPCALL_WITH_PATTERN=" + path, "UPCALL_DUMPABLE=2",
                              "UPCALL_CORE_LIMIT=unlimited"}),
            1);
  EXPECT_EQ(contents(folder_ / "precious"), "precious");
}

TEST_F(Pass, WritesForRootOnlyToAnAbsolutePathThatIsFree) {
  const auto run = [&](const std::string& pattern) {
    return run_pass("core", {"UPCALL_WITH_PATTERN=" + pattern, "UPCALL_DUMPABLE=2",
                             "UPCALL_CORE_LIMIT=unlimited"});
  };
  const auto path = (folder_ / "root").string();
  EXPECT_EQ(run("relative"), 1);
  EXPECT_NE(contents(errors_).find("its path is not absolute"), std::string::npos);
  EXPECT_EQ(run(path), 0);
  EXPECT_EQ(run(path), 1);
  EXPECT_NE(contents(errors_).find("File exists"), std::string::npos);
}

TEST_F(Pass, StartsAProgramAsTheKernelDoes) {
  const CorePatternGuard guard;
  const auto pattern = helper_pattern(folder_ / "r", "%p e=%e %F");
  ASSERT_TRUE(CorePatternGuard::set(pattern));
  Victim victim;
  const std::string pid = std::to_string(victim.pid());
  ASSERT_TRUE(WCOREDUMP(victim.wait()));
  const auto kernels = read_report(folder_ / "r");
  std::filesystem::remove(folder_ / "r");

  const UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0))};
  const std::string core(3'000'000, 'x');
  std::string comm = contents("/proc/self/comm");
  comm.pop_back();
  EXPECT_EQ(run_pass(core,
                     {"UPCALL_WITH_PATTERN=" + pattern, "UPCALL_PID=" + pid, "UPCALL_COMM=" + comm,
                      "UPCALL_PIDFD=4"},
                     pidfd.get()),
            0)
      << contents(errors_);
  const auto ours = read_report(folder_ / "r");
  EXPECT_EQ(ours.arguments, kernels.arguments);
  EXPECT_EQ(ours.environment, kernels.environment);
  EXPECT_EQ(ours.descriptors, kernels.descriptors);
  EXPECT_EQ(ours.working_directory, kernels.working_directory);
  EXPECT_EQ(ours.core_limit, kernels.core_limit);
  EXPECT_EQ(ours.mask, kernels.mask);
  EXPECT_EQ(ours.core_size, core.size());
}

TEST_F(Pass, SaysWhatItCannotDo) {
  EXPECT_EQ(run_pass("", {"UPCALL_WITH_PATTERN=|/missing/program"}), 1);
  EXPECT_NE(contents(errors_).find("cannot execute '/missing/program'"), std::string::npos)
      << contents(errors_);
  EXPECT_EQ(run_pass("", {"UPCALL_WITH_PATTERN=@@/run/other"}), 1);
  EXPECT_NE(contents(errors_).find("socket '@@/run/other'"), std::string::npos);
  EXPECT_EQ(run_pass("", {}), 1);
  EXPECT_NE(contents(errors_).find("UPCALL_WITH_PATTERN"), std::string::npos);
}

TEST_F(Pass, GivesUpTheStreamWhenTheProgramWantsNoMore) {
  const std::string core(std::size_t{8} << 20, 'x');
  EXPECT_EQ(run_pass(core, {"UPCALL_WITH_PATTERN=|/bin/true"}), 0) << contents(errors_);
  EXPECT_EQ(run_pass(core, {"UPCALL_WITH_PATTERN=|/bin/false", "UPCALL_WITH_PIPE_LIMIT=1"}), 1);
  EXPECT_NE(contents(errors_).find("ended with status 1"), std::string::npos);
}

}  // namespace
}  // namespace upcall::test
