// SPDX-License-Identifier: Apache-2.0
#include "kernel/task_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "kernel/pidfd.h"

namespace upcall::kernel {
namespace {

constexpr std::size_t kLongest = 4096;

// Allows everything, after loading as many different numbers as make it `length` long.
SeccompFilter filter_of(std::size_t length) {
  SeccompFilter filter;
  for (std::size_t i = 1; i < length; ++i)
    filter.push_back(BPF_STMT(BPF_LD | BPF_IMM, static_cast<__u32>(i * length)));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  return filter;
}

bool same(const SeccompFilter& a, const SeccompFilter& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0;
}

// A process with these filters, which waits until it is destroyed.
class Filtered {
 public:
  explicit Filtered(const std::vector<SeccompFilter>& filters) {
    std::array<int, 2> ready{};
    EXPECT_EQ(::pipe2(ready.data(), O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) install_and_wait(filters, ready[1]);
    ::close(ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1) << "the filters could not be installed";
    ::close(ready[0]);
  }
  Filtered(const Filtered&) = delete;
  Filtered& operator=(const Filtered&) = delete;
  ~Filtered() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  [[noreturn]] static void install_and_wait(const std::vector<SeccompFilter>& filters, int ready) {
    bool installed = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    for (auto filter : filters) {
      const sock_fprog program{.len = static_cast<unsigned short>(filter.size()),
                               .filter = filter.data()};
      installed = installed && ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
    }
    if (!installed || ::write(ready, "r", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  pid_t pid_{};
};

class Reader : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    if (!reader_) GTEST_SKIP() << describe(reader_.error());
  }
  Result<std::vector<SeccompFilter>> read(pid_t tid, int count) {
    return reader_ ? reader_->read_filters(tid, count) : reader_.error();
  }

  Result<TaskReader> reader_{TaskReader::make()};
};

TEST_F(Reader, CopiesAllFiltersOfAThreadInTheOrderOfTheirInstallation) {
  const std::vector filters{filter_of(1), filter_of(kLongest), filter_of(7)};
  const Filtered process{filters};
  const auto copied = read(process.pid(), 3);
  ASSERT_TRUE(copied) << describe(copied.error());
  ASSERT_EQ(copied->size(), filters.size());
  for (std::size_t i = 0; i < filters.size(); ++i) EXPECT_TRUE(same((*copied)[i], filters[i])) << i;
}

TEST_F(Reader, FailsForMoreFiltersThanThereAre) {
  const Filtered process{{filter_of(3)}};
  EXPECT_FALSE(read(process.pid(), 2));
}

TEST_F(Reader, FailsForAThreadThatIsGone) {
  pid_t gone = 0;
  {
    const Filtered process{{filter_of(3)}};
    gone = process.pid();
  }
  EXPECT_FALSE(read(gone, 1));
}

TEST_F(Reader, SeesWhetherAProcessIsDumpable) {
  for (const int dumpable : {0, 1}) {
    ASSERT_EQ(::prctl(PR_SET_DUMPABLE, dumpable), 0);
    const auto seen = reader_->read_dumpable(::getpid());
    ASSERT_TRUE(seen) << describe(seen.error());
    EXPECT_EQ(*seen, dumpable);
    const UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0))};
    const auto told = query_pidfd(pidfd.get());
    ASSERT_TRUE(told);
    EXPECT_EQ(*seen, told->dumpable.value_or(dumpable));
  }
}

}  // namespace
}  // namespace upcall::kernel
