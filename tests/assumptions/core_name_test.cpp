// SPDX-License-Identifier: Apache-2.0
// kernel::expand_core_*() against coredump_parse() of the kernel that runs here.
#include "kernel/core_name.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "support/core_pattern_guard.h"
#include "support/helper_program.h"
#include "support/victim.h"

namespace upcall::test {
namespace {

constexpr rlim_t kLimit = 123'456'789;
constexpr uid_t kUid = 4242;
constexpr gid_t kGid = 4243;

class CoreName : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may set core_pattern";
    std::string name = "/tmp/n.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::permissions(folder_, std::filesystem::perms::all);
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  // What a crash of a process with this name, host name and ids gives to the pattern's arguments.
  HelperReport crash(const std::string& arguments, const std::string& comm = "a/b c") {
    const CorePatternGuard guard;
    const auto pattern = helper_pattern(folder_ / "r", arguments);
    if (auto set = CorePatternGuard::set(pattern); !set)
      throw std::runtime_error{describe(set.error())};
    Victim victim{[&comm] { prepare(comm); }};
    pid_ = victim.pid();
    EXPECT_TRUE(WCOREDUMP(victim.wait()));
    auto report = read_report(folder_ / "r");
    std::filesystem::remove(folder_ / "r");
    return report;
  }

  static void prepare(const std::string& comm) {
    const rlimit limit{.rlim_cur = kLimit, .rlim_max = kLimit};
    if (::unshare(CLONE_NEWUTS) != 0 || ::sethostname("..", 2) != 0) ::_exit(1);
    if (::setrlimit(RLIMIT_CORE, &limit) != 0 || ::prctl(PR_SET_NAME, comm.c_str()) != 0)
      ::_exit(1);
    if (::setgid(kGid) != 0 || ::setuid(kUid) != 0) ::_exit(1);
    ::prctl(PR_SET_DUMPABLE, 1);  // a change of ids took it
  }

  [[nodiscard]] kernel::CoreFacts facts(const std::string& comm = "a/b c") const {
    return {.pid = pid_,
            .global_pid = pid_,
            .tid = pid_,
            .global_tid = pid_,
            .uid = kUid,
            .gid = kGid,
            .dumpable = 1,
            .signal = SIGSEGV,
            .time = {},
            .core_limit = kLimit,
            .cpu = {},
            .host_name = "..",
            .comm = comm,
            .exe = std::filesystem::read_symlink("/proc/self/exe")};
  }

  // The kernel's arguments for a pattern and ours.
  void compare(const std::string& arguments, const std::string& comm = "a/b c") {
    const auto kernels = crash(arguments, comm).arguments;
    auto ours = kernel::expand_core_program(helper_pattern(folder_ / "r", arguments), facts(comm));
    ours.erase(ours.begin(), ours.begin() + 2);
    EXPECT_EQ(ours, kernels) << arguments;
  }

  std::filesystem::path folder_;
  pid_t pid_{};
};

TEST_F(CoreName, HasEverySpecifierOfTheKernel) {
  compare("%p %P %i %I %u %g %d %s %h %e %f %c %F");
  compare("%E");
  compare("%% %z x%zy %pp%%p %");
}

TEST_F(CoreName, SplitsArgumentsAsTheKernel) {
  compare(" a\t b   c ");
  compare("e=%e %z %F%F %");
  compare("\xa0x\xa0%e");
}

TEST_F(CoreName, EscapesAsTheKernel) {
  for (const std::string comm : {".", "..", "...", "", "/", "../x", "a\nb", "%p"})
    compare("%e|%h", comm);
}

TEST_F(CoreName, GrowsBeyondThe128BytesOfThePattern) { compare("%E%E%E%E%E%E%E%E"); }

TEST_F(CoreName, KnowsTheTimeAndTheProcessor) {
  const auto before = ::time(nullptr);
  const auto report = crash("%t %C");
  ASSERT_EQ(report.arguments.size(), 2U);
  if (report.arguments[1].empty()) GTEST_SKIP() << "this kernel has no %C in core_pattern";
  EXPECT_GE(std::stol(report.arguments[0]), before);
  EXPECT_LE(std::stol(report.arguments[0]), ::time(nullptr));
  EXPECT_LT(std::stol(report.arguments[1]), ::sysconf(_SC_NPROCESSORS_CONF));
}

TEST_F(CoreName, StartsAHelperWithNothingButThePipeAndThePidfd) {
  const auto with = crash("%F");
  EXPECT_TRUE(with.environment.empty());
  EXPECT_EQ(with.descriptors.size(), 2U);
  EXPECT_EQ(with.descriptors.at(0), "pipe");
  EXPECT_EQ(with.descriptors.count(3), 1U);
  EXPECT_EQ(with.working_directory, "/");
  EXPECT_EQ(with.core_limit, "1 1");
  EXPECT_EQ(with.mask, std::to_string(0022));
  EXPECT_GT(with.core_size, 100'000U);
  const auto without = crash("x");
  EXPECT_EQ(without.descriptors.size(), 1U);
}

TEST_F(CoreName, NamesFilesAsTheKernel) {
  const CorePatternGuard guard;
  for (const bool uses_pid : {false, true}) {
    std::ofstream{"/proc/sys/kernel/core_uses_pid"} << (uses_pid ? "1" : "0");
    for (const std::string pattern : {"c", "c.%p", "c.%P", "%e-%h", "c%%p", "a b%F", "c.%"}) {
      const auto target = folder_ / "d";
      std::filesystem::create_directory(target);
      std::filesystem::permissions(target, std::filesystem::perms::all);
      ASSERT_TRUE(CorePatternGuard::set(target.string() + "/" + pattern));
      Victim victim{[] { prepare("a/b c"); }};
      pid_ = victim.pid();
      ASSERT_TRUE(WCOREDUMP(victim.wait())) << pattern;
      const auto name = kernel::expand_core_file(
          pattern, facts(), uses_pid ? kernel::CoreUsesPid::yes : kernel::CoreUsesPid::no);
      EXPECT_TRUE(std::filesystem::exists(target / name)) << pattern << " is not " << name;
      std::filesystem::remove_all(target);
    }
  }
}

}  // namespace
}  // namespace upcall::test
