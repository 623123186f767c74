// SPDX-License-Identifier: Apache-2.0
// The kernel's own trace tells who made it start a helper. Here the helper is that of core dumps,
// which every kernel can start, and to which the kernel itself says whose crash it was.
#include "kernel/helper_chain.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "kernel/peer.h"
#include "kernel/trace_instance.h"
#include "support/core_pattern_guard.h"
#include "support/victim.h"
#include "wire/seqpacket.h"
#include "wire/shim.h"

namespace upcall::test {
namespace {

constexpr int kDeadline = 10'000;  // milliseconds
const std::filesystem::path kShim =
    std::filesystem::path{UPCALL_BUILD_FOLDER} / "bin" / "upcall-shim";

bool readable(int fd) {
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, kDeadline) == 1;
}

std::uint64_t now() {
  timespec time{};
  (void)::clock_gettime(CLOCK_BOOTTIME, &time);
  return (static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U) +
         static_cast<std::uint64_t>(time.tv_nsec);
}

void drain(const kernel::TraceInstance& instance, kernel::HelperChain& chain) {
  const auto until = now();
  std::vector<std::byte> page(65536);
  for (const auto& buffer : instance.buffers) {
    ssize_t size = 0;
    while ((size = ::read(buffer.get(), page.data(), page.size())) > 0)
      chain.take(std::span{page}.first(static_cast<std::size_t>(size)));
  }
  chain.settle(until);
}

class Chain : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may trace";
    std::string name = "/tmp/chain.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::copy_file(kShim, folder_ / "shim");
    listen_at(folder_ / "s");
    guard_ = std::make_unique<CorePatternGuard>();
    const auto pattern = kernel::shim_core_pattern(folder_ / "shim", folder_ / "s");
    ASSERT_TRUE(pattern && CorePatternGuard::set(*pattern));
    auto made = kernel::make_trace_instance();
    ASSERT_TRUE(made) << describe(made.error());
    instance_ = *std::move(made);
  }
  void TearDown() override {
    instance_.buffers.clear();
    EXPECT_TRUE(kernel::remove_trace_instance());
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  void listen_at(const std::string& path) {
    listener_ = UniqueFd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener_.get(), 128), 0);
  }

  struct Call {
    pid_t helper{};
    pid_t crashed{};  // in the kernel's words to the helper
  };
  Call accept_call() {
    if (!readable(listener_.get())) return {};
    const UniqueFd connection{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!readable(connection.get())) return {};
    wire::ShimCoreDump facts;
    const auto received =
        wire::receive_message(connection.get(), std::as_writable_bytes(std::span{&facts, 1}));
    const auto helper = kernel::query_peer_pid(connection.get());
    return received && helper ? Call{.helper = *helper, .crashed = facts.tid} : Call{};
  }

  std::filesystem::path folder_;
  UniqueFd listener_;
  std::unique_ptr<CorePatternGuard> guard_;
  kernel::TraceInstance instance_;
};

TEST_F(Chain, LeadsFromEachHelperToTheThreadThatTheKernelNamed) {
  constexpr std::size_t kRounds = 8;
  constexpr std::size_t kAtOnce = 32;
  kernel::HelperChain chain{instance_.layout};
  for (std::size_t round = 0; round < kRounds; ++round) {
    const auto before = now();
    std::vector<std::unique_ptr<Victim>> victims;
    victims.reserve(kAtOnce);
    for (std::size_t i = 0; i < kAtOnce; ++i) victims.push_back(std::make_unique<Victim>());
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      const auto call = accept_call();
      ASSERT_GT(call.crashed, 0);
      drain(instance_, chain);
      const auto* found = chain.find(call.helper);
      ASSERT_NE(found, nullptr) << "helper " << call.helper << ", gaps " << chain.gaps();
      EXPECT_EQ(found->requester, call.crashed);
      EXPECT_GT(found->asked, before);
      EXPECT_GT(found->started, found->asked);
      EXPECT_FALSE(found->module);
    }
  }
  EXPECT_EQ(chain.gaps(), 0U);
}

TEST_F(Chain, KnowsNobodyWhomTheKernelDidNotStart) {
  kernel::HelperChain chain{instance_.layout};
  drain(instance_, chain);
  EXPECT_EQ(chain.find(::getpid()), nullptr);
}

TEST_F(Chain, TakesThePlaceOfAnInstanceThatWasLeftBehindOnlyWhereNobodyReadsIt) {
  const auto second = kernel::make_trace_instance();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, std::errc::device_or_resource_busy);
  instance_.buffers.clear();
  auto third = kernel::make_trace_instance();
  ASSERT_TRUE(third) << describe(third.error());
  instance_ = *std::move(third);
}

}  // namespace
}  // namespace upcall::test
