// SPDX-License-Identifier: Apache-2.0
#include "base/seldom.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace upcall {
namespace {

constexpr Seldom::Time kStart{std::chrono::hours{1}};

TEST(Seldom, IsSaidOnceAndThenWithTheNumberOfWhatWasNot) {
  Seldom seldom;
  EXPECT_EQ(seldom.say(kStart), "");
  for (int i = 0; i < 12; ++i) EXPECT_FALSE(seldom.say(kStart + std::chrono::seconds{1}));
  const auto later = kStart + limits::kSaidEvery;
  EXPECT_EQ(seldom.say(later), " (and 12 more since the last word on it)");
  EXPECT_EQ(seldom.say(later + limits::kSaidEvery), "");
}

}  // namespace
}  // namespace upcall
