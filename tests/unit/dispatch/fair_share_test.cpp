// SPDX-License-Identifier: Apache-2.0
#include "dispatch/fair_share.h"

#include <gtest/gtest.h>

#include <vector>

namespace upcall::dispatch {
namespace {

using Permits = std::vector<std::optional<Semaphore::Permit>>;

constexpr FairShare::Key kGreedy{.container = 7};
constexpr FairShare::Key kOther{.container = 8};

asio::awaitable<void> take(FairShare& share, FairShare::Key key, Permits& permits) {
  auto permit = co_await share.acquire(key);
  permits.push_back(std::move(permit));
}

class Shares : public ::testing::Test {
 protected:
  void ask(FairShare::Key key, Permits& permits) {
    start_loop(io_, take(share_, key, permits));
    io_.restart();
    io_.poll();
  }
  void settle() {
    io_.restart();
    io_.poll();
  }

  asio::io_context io_;
  FairShare share_{io_, 2, 1};
};

TEST_F(Shares, OneOriginCannotHoldWhatIsAnothers) {
  Permits greedy;
  Permits other;
  for (int i = 0; i < 3; ++i) ask(kGreedy, greedy);
  EXPECT_EQ(greedy.size(), 2U) << "the third waits";
  EXPECT_TRUE(share_.exhausted(kGreedy));
  EXPECT_FALSE(share_.exhausted(kOther));
  ask(kOther, other);
  ASSERT_EQ(other.size(), 1U);
  EXPECT_TRUE(other.front());
}

TEST_F(Shares, WhoWaitsComesNextAndWhoIsTooManyIsToldSo) {
  Permits greedy;
  for (int i = 0; i < 4; ++i) ask(kGreedy, greedy);
  ASSERT_EQ(greedy.size(), 3U);
  EXPECT_FALSE(greedy.back()) << "the fourth";
  greedy.erase(greedy.begin());
  settle();
  ASSERT_EQ(greedy.size(), 3U);
  EXPECT_TRUE(greedy.back()) << "the third";
  greedy.clear();
  EXPECT_FALSE(share_.exhausted(kGreedy));
}

TEST(KeyOf, IsTheContainerOrElseTheUser) {
  event::Origin origin{.uid = 1000};
  EXPECT_EQ(FairShare::key_of(origin), (FairShare::Key{.uid = 1000}));
  origin.container_namespaces[static_cast<std::size_t>(event::Namespace::pid)] = 9;
  EXPECT_EQ(FairShare::key_of(origin), (FairShare::Key{.container = 9}));
  origin.host_namespaces[static_cast<std::size_t>(event::Namespace::pid)] = 9;
  origin.container_namespaces[static_cast<std::size_t>(event::Namespace::mnt)] = 10;
  EXPECT_EQ(FairShare::key_of(origin), (FairShare::Key{.container = 10})) << "in the host's";
}

}  // namespace
}  // namespace upcall::dispatch
