// SPDX-License-Identifier: Apache-2.0
#include "kernel/cgroup_state.h"

#include <gtest/gtest.h>

namespace upcall::kernel {
namespace {

TEST(CgroupStateTest, PopulatedIsOneLineOfMany) {
  EXPECT_EQ(parse_populated("populated 1\nfrozen 0\n"), true);
  EXPECT_EQ(parse_populated("populated 0\nfrozen 1\n"), false);
  EXPECT_EQ(parse_populated("frozen 1\nnew 7\npopulated 0"), false);
}

TEST(CgroupStateTest, NothingIsTakenForPopulatedThatIsNot) {
  for (const auto* text : {"", "\n", "populated", "populated \n", "populated 2\n", "populated 10\n",
                           "populated  1\n", "repopulated 1\n", "frozen 1\n", "POPULATED 1\n"}) {
    EXPECT_FALSE(parse_populated(text)) << text;
  }
}

TEST(CgroupStateTest, CpuTimeIsThatOfUserAndSystem) {
  EXPECT_EQ(parse_cpu_time("usage_usec 1639\nuser_usec 1000\nsystem_usec 639\n"), 1639U);
  EXPECT_EQ(parse_cpu_time("user_usec 1000\nusage_usec 18446744073709551615"), UINT64_MAX);
}

TEST(CgroupStateTest, CpuTimeThatIsNotToldIsNone) {
  for (const auto* text : {"", "usage_usec", "usage_usec -1\n", "usage_usec 18446744073709551616\n",
                           "user_usec 7\n"}) {
    EXPECT_EQ(parse_cpu_time(text), 0U) << text;
  }
}

}  // namespace
}  // namespace upcall::kernel
