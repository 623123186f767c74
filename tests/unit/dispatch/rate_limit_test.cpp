// SPDX-License-Identifier: Apache-2.0
#include "dispatch/rate_limit.h"

#include <gtest/gtest.h>

namespace upcall::dispatch {
namespace {

using namespace std::chrono_literals;

constexpr FairShare::Key kGreedy{.container = 7};
constexpr FairShare::Key kOther{.container = 8};
constexpr int kPerSecond = 10;
constexpr RateLimit::Time kStart{1h};

class Rates : public ::testing::Test {
 protected:
  // How many of so many, at one time.
  int admitted(const FairShare::Key& key, int asked, RateLimit::Time now) {
    int count = 0;
    for (int i = 0; i < asked; ++i) count += rates_.admit(key, now) ? 1 : 0;
    return count;
  }
  static constexpr int kBurst = kPerSecond * static_cast<int>(TokenBucket::kBurst.count());

  RateLimit rates_{kPerSecond};
};

TEST_F(Rates, ABurstIsLetThroughAndThenOnlyTheRate) {
  EXPECT_EQ(admitted(kGreedy, 1000, kStart), kBurst);
  EXPECT_EQ(admitted(kGreedy, 1000, kStart), 0);
  EXPECT_EQ(admitted(kGreedy, 1000, kStart + 1s), kPerSecond);
  EXPECT_EQ(admitted(kGreedy, 1000, kStart + 1050ms), 0) << "half a token is none";
  EXPECT_EQ(admitted(kGreedy, 1000, kStart + 1100ms), 1) << "two halves are one";
}

TEST_F(Rates, OneOriginDoesNotUseUpWhatIsAnothers) {
  EXPECT_EQ(admitted(kGreedy, 1000, kStart), kBurst);
  EXPECT_EQ(admitted(kOther, 1, kStart), 1);
}

TEST_F(Rates, NobodySavesMoreThanABurst) {
  EXPECT_EQ(admitted(kGreedy, 1000, kStart), kBurst);
  EXPECT_EQ(admitted(kGreedy, 1000, kStart + 1h), kBurst);
}

TEST_F(Rates, OnlyThoseAreForgottenThatHaveNothingToMakeGoodFor) {
  EXPECT_EQ(admitted(kGreedy, 1000, kStart), kBurst);
  for (uid_t uid = 1; uid <= 2000; ++uid) {
    EXPECT_TRUE(rates_.admit({.uid = uid}, kStart + 1ms * static_cast<int>(uid)));
  }
  EXPECT_LT(rates_.remembered(), 1100U);
  EXPECT_EQ(admitted(kGreedy, 1000, kStart + 2s), 2 * kPerSecond);
}

}  // namespace
}  // namespace upcall::dispatch
