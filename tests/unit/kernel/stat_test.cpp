// SPDX-License-Identifier: Apache-2.0
#include "kernel/stat.h"

#include <gtest/gtest.h>

namespace upcall::kernel {
namespace {

// Field 3 on: PF_DUMPCORE is set, started at 9871, killed by SIGSEGV with a core.
const std::string kRest =
    " S 1 1 1 0 -1 4195904 230 0 0 0 0 0 0 0 20 0 1 0 9871 2875392 211 18446744073709551615 1 1 0 "
    "0 "
    "0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 139\n";

TEST(ParseStat, TakesWhatItNames) {
  const auto stat = parse_stat("7 (sh)" + kRest);
  ASSERT_TRUE(stat);
  EXPECT_TRUE(stat->dumping);
  EXPECT_EQ(stat->start_time, 9871U);
  EXPECT_EQ(stat->signal, 11);
}

TEST(ParseStat, CountsFromTheLastParenthesisOfTheName) {
  for (const std::string start : {"7 (a) S 9 9 9 9 9 512 b)", "7 (a)\n%s b)", "7 ())"}) {
    const auto stat = parse_stat(start + kRest);
    ASSERT_TRUE(stat) << start;
    EXPECT_EQ(stat->start_time, 9871U) << start;
  }
}

TEST(ParseStat, RefusesWhatIsCutShort) {
  EXPECT_FALSE(parse_stat(""));
  EXPECT_FALSE(parse_stat("7 sh S 1"));
  EXPECT_FALSE(parse_stat("7 (sh) S 1"));
  const auto whole = "7 (sh)" + kRest;
  EXPECT_FALSE(parse_stat(whole.substr(0, whole.size() - 5)));
}

TEST(ReadStat, ReadsOurOwn) {
  const auto stat = read_stat("/proc/self");
  ASSERT_TRUE(stat);
  EXPECT_FALSE(stat->dumping);
  EXPECT_GT(stat->start_time, 0U);
  EXPECT_FALSE(read_stat("/proc/0"));
}

}  // namespace
}  // namespace upcall::kernel
