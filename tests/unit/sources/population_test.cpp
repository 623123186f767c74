// SPDX-License-Identifier: Apache-2.0
#include "sources/population.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace upcall::sources {
namespace {

using std::chrono::milliseconds;

constexpr Population::Time kStart{std::chrono::hours{1}};
constexpr Population::Sight kEmpty{.populated = false, .cpu_time = 70};

class PopulationTest : public ::testing::Test {
 protected:
  PopulationTest() { cgroup_.begin(kEmpty); }
  // Somebody was in it, and it has been told that he is gone.
  void tell_once() {
    EXPECT_FALSE(cgroup_.stir(true, kStart));
    EXPECT_TRUE(cgroup_.look({.populated = false, .cpu_time = 90}, kStart));
  }
  Population cgroup_;
};

TEST_F(PopulationTest, IsLookedAtOnceItHasSettled) {
  EXPECT_FALSE(cgroup_.stir(true, kStart));
  EXPECT_EQ(cgroup_.stir(false, kStart), kStart + limits::kCgroupSettles);
}

TEST_F(PopulationTest, WhoLeavesItIsTold) {
  EXPECT_FALSE(cgroup_.stir(true, kStart));
  EXPECT_TRUE(cgroup_.look({.populated = false, .cpu_time = 70}, kStart));
}

TEST_F(PopulationTest, WhoWasThereAtTheStartIsToldWhenHeLeaves) {
  cgroup_.begin({.populated = true, .cpu_time = 70});
  EXPECT_TRUE(cgroup_.look({.populated = false, .cpu_time = 70}, kStart));
}

TEST_F(PopulationTest, WhoCameAndWentBetweenTwoLooksIsKnownByHisTime) {
  EXPECT_TRUE(cgroup_.look({.populated = false, .cpu_time = 71}, kStart));
}

TEST_F(PopulationTest, ChangeWithoutAnybodyIsNone) {
  EXPECT_TRUE(cgroup_.stir(false, kStart));  // as when it is frozen
  EXPECT_FALSE(cgroup_.look(kEmpty, kStart));
  EXPECT_FALSE(cgroup_.end(kStart));
}

TEST_F(PopulationTest, WhoIsStillThereHasNotLeft) {
  EXPECT_FALSE(cgroup_.look({.populated = true, .cpu_time = 90}, kStart));
}

TEST_F(PopulationTest, IsToldOnce) {
  tell_once();
  EXPECT_FALSE(cgroup_.look({.populated = false, .cpu_time = 90}, kStart + milliseconds{20}));
}

TEST_F(PopulationTest, IsNotToldAgainBeforeItsTime) {
  tell_once();
  EXPECT_EQ(cgroup_.stir(false, kStart + milliseconds{100}), kStart + limits::kCgroupToldEvery);
}

TEST_F(PopulationTest, TimeThatIsNotToldAnyMoreIsNotMadeUpForLater) {
  tell_once();
  EXPECT_FALSE(cgroup_.look({.populated = false, .cpu_time = 0}, kStart));
  EXPECT_FALSE(cgroup_.look({.populated = false, .cpu_time = 90}, kStart));
}

TEST_F(PopulationTest, RemovalIsAnEndOfWhatWasPopulated) {
  cgroup_.begin({.populated = true, .cpu_time = 70});
  EXPECT_TRUE(cgroup_.end(kStart));
}

TEST_F(PopulationTest, RemovalIsAnEndOfWhatChangedAndWasNotLookedAt) {
  EXPECT_TRUE(cgroup_.stir(false, kStart));
  EXPECT_TRUE(cgroup_.end(kStart));
}

TEST_F(PopulationTest, RemovalIsNoEndOfWhatHasBeenTold) {
  tell_once();
  EXPECT_FALSE(cgroup_.end(kStart));
  EXPECT_TRUE(cgroup_.stir(false, kStart + milliseconds{10}));  // the kernel's word on that end
  EXPECT_FALSE(cgroup_.end(kStart + milliseconds{15}));
  EXPECT_TRUE(cgroup_.end(kStart + limits::kCgroupToldEvery));
}

TEST_F(PopulationTest, RemovalIsNoEndOfWhatNobodyWasIn) { EXPECT_FALSE(cgroup_.end(kStart)); }

TEST_F(PopulationTest, WhoCameAgainIsToldHoweverSoonItIsRemoved) {
  tell_once();
  EXPECT_FALSE(cgroup_.stir(true, kStart + milliseconds{10}));
  EXPECT_TRUE(cgroup_.end(kStart + milliseconds{15}));
}

}  // namespace
}  // namespace upcall::sources
