// SPDX-License-Identifier: Apache-2.0
// What Linux takes as a core_pattern (proc_dostring_coredump() of fs/coredump.c, 6.18), and the
// first steps of "@@" (include/uapi/linux/coredump.h).
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <vector>

#include "support/core_pattern_guard.h"
#include "support/victim.h"

namespace upcall::test {
namespace {

struct Request {
  std::uint32_t size{};
  std::uint32_t size_ack{};
  std::uint64_t mask{};
};
struct Ack {
  std::uint32_t size{sizeof(Ack)};
  std::uint32_t spare{};
  std::uint64_t mask{};
};
constexpr std::uint64_t kKernel = 1;
constexpr std::uint64_t kUserspace = 2;
constexpr std::uint64_t kReject = 4;
constexpr std::uint64_t kWait = 8;
enum Mark : std::uint32_t {
  accepted = 0,
  too_small = 1,
  too_large = 2,
  unsupported = 3,
  conflicting = 4
};

class CorePatternRules : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may set core_pattern";
    const auto modes = kernel::read_core_modes();
    if (!modes || modes->empty())
      GTEST_SKIP() << "this kernel has no core dump sockets or does not say so";
    std::string name = "/tmp/a.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    guard_ = std::make_unique<CorePatternGuard>();
  }
  void TearDown() override {
    guard_.reset();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  void listen_at(const std::string& name, int backlog) {
    listener_ = UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    ASSERT_TRUE(listener_);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    (folder_ / name).string().copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener_.get(), backlog), 0);
    const auto pattern = kernel::socket_core_pattern(folder_ / name);
    ASSERT_TRUE(pattern) << describe(pattern.error());
    ASSERT_TRUE(CorePatternGuard::set(*pattern));
  }

  UniqueFd accept_crash() {
    pollfd waiting{.fd = listener_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 10'000) != 1) return {};
    UniqueFd crash{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(crash.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return crash;
  }

  struct Answer {
    std::uint32_t mark{~0U};
    bool any_data{};
    bool core_dumped{};
  };

  // A crash whose request is answered with `ack`.
  Answer answer(const Ack& ack) {
    Victim victim;
    UniqueFd crash = accept_crash();
    Request request;
    EXPECT_EQ(::recv(crash.get(), &request, sizeof request, MSG_WAITALL), ssize_t{sizeof request});
    EXPECT_EQ(request.size, sizeof request);
    EXPECT_EQ(request.size_ack, sizeof ack);
    EXPECT_EQ(request.mask, kKernel | kUserspace | kReject | kWait);
    EXPECT_EQ(::send(crash.get(), &ack, sizeof ack, MSG_NOSIGNAL), ssize_t{sizeof ack});
    Answer answer;
    EXPECT_EQ(::recv(crash.get(), &answer.mark, sizeof answer.mark, MSG_WAITALL),
              ssize_t{sizeof answer.mark});
    char byte = 0;
    answer.any_data = ::recv(crash.get(), &byte, 1, 0) == 1;
    crash.reset();
    answer.core_dumped = WCOREDUMP(victim.wait());
    return answer;
  }

  std::filesystem::path folder_;
  std::unique_ptr<CorePatternGuard> guard_;
  UniqueFd listener_;
};

TEST_F(CorePatternRules, TakesOnlyAbsoluteSocketPaths) {
  for (const char* pattern : {"@", "@@", "@rel", "@@rel", "@@@/x", "@ /x", "@@/a/../b"}) {
    EXPECT_EQ(CorePatternGuard::set(pattern).error().code, std::errc::invalid_argument) << pattern;
  }
  for (const char* pattern : {"@/x", "@@/x", "@@/a..b", "@@/missing/x", "@@/%p", "@@/s p"}) {
    EXPECT_TRUE(CorePatternGuard::set(pattern)) << pattern;
  }
  EXPECT_TRUE(CorePatternGuard::set("@@/" + std::string(106, 'x')));
  EXPECT_FALSE(CorePatternGuard::set("@@/" + std::string(107, 'x')));
}

TEST_F(CorePatternRules, TakesSocketsOnlyFromTheInitialMountNamespace) {
  const pid_t child = ::fork();
  if (child == 0) {
    const bool refused = ::unshare(CLONE_NEWNS) == 0 && !CorePatternGuard::set("@@/x");
    ::_exit(refused && CorePatternGuard::set("|/x") ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(CorePatternRules, FollowsNoSymlinkToTheSocket) {
  listen_at("s", 8);
  std::filesystem::create_symlink(folder_, folder_ / "link");
  EXPECT_EQ(kernel::socket_core_pattern(folder_ / "link" / "s").error().code,
            std::errc::too_many_symbolic_link_levels);
  ASSERT_TRUE(CorePatternGuard::set("@@" + (folder_ / "link" / "s").string()));
  Victim victim;
  const int status = victim.wait();
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(WCOREDUMP(status));
}

TEST_F(CorePatternRules, AnswersEachAckWithAMark) {
  listen_at("s", 8);
  EXPECT_EQ(answer({.size = 8, .mask = kKernel}).mark, too_small);
  EXPECT_EQ(answer({.size = 17, .mask = kKernel}).mark, too_large);
  EXPECT_EQ(answer({.mask = kKernel | 1U << 20U}).mark, unsupported);
  EXPECT_EQ(answer({.spare = 1, .mask = kKernel}).mark, unsupported);
  EXPECT_EQ(answer({.mask = kKernel | kReject}).mark, conflicting);
  EXPECT_EQ(answer({.mask = kWait}).mark, conflicting);
}

TEST_F(CorePatternRules, DoesWhatTheAckSays) {
  listen_at("s", 8);
  const auto rejected = answer({.mask = kReject | kWait});
  EXPECT_EQ(rejected.mark, accepted);
  EXPECT_FALSE(rejected.any_data);
  EXPECT_FALSE(rejected.core_dumped);
  const auto ours = answer({.mask = kUserspace | kWait});
  EXPECT_FALSE(ours.any_data);
  EXPECT_TRUE(ours.core_dumped);
  const auto kernels = answer({.mask = kKernel | kWait});
  EXPECT_TRUE(kernels.any_data);
  EXPECT_TRUE(kernels.core_dumped);
}

TEST_F(CorePatternRules, LosesWhatIsBeyondTheBacklogPlusOne) {
  constexpr int kBacklog = 2;
  listen_at("s", kBacklog);
  std::vector<std::unique_ptr<Victim>> held;
  for (int i = 0; i < kBacklog + 1; ++i) {
    // Without our listener, which would outlive our closing it in them.
    held.push_back(std::make_unique<Victim>([this] { listener_.reset(); }));
    EXPECT_FALSE(held.back()->ended(50));  // each in its own place in the queue
  }
  Victim lost;
  const int status = lost.wait();
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(WCOREDUMP(status));
  for (const auto& victim : held) EXPECT_FALSE(victim->ended(0));
  listener_.reset();
  for (const auto& victim : held) EXPECT_FALSE(WCOREDUMP(victim->wait()));
}

}  // namespace
}  // namespace upcall::test
