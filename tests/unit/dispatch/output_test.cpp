// SPDX-License-Identifier: Apache-2.0
#include "dispatch/output.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace upcall::dispatch {
namespace {

TEST(LineCollector, CutsTheStreamWhereItsLinesEnd) {
  LineCollector lines;
  lines.take("one\ntw");
  lines.take("o\nthree");
  lines.finish();
  EXPECT_EQ(lines.lines(), (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ(lines.dropped_bytes(), 0U);
}

TEST(LineCollector, KeepsSoManyBytesOfALineAndCountsTheRest) {
  LineCollector lines;
  lines.take(std::string(limits::kOutputLineBytes + 7, 'x') + "\nnext\n");
  ASSERT_EQ(lines.lines().size(), 2U);
  EXPECT_EQ(lines.lines()[0].size(), limits::kOutputLineBytes);
  EXPECT_EQ(lines.lines()[1], "next");
  EXPECT_EQ(lines.dropped_bytes(), 7U);
}

TEST(LineCollector, KeepsSoManyLinesAndCountsTheRest) {
  LineCollector lines;
  for (std::size_t i = 0; i < limits::kOutputLines + 3; ++i) lines.take("ab\n");
  lines.finish();
  EXPECT_EQ(lines.lines().size(), limits::kOutputLines);
  EXPECT_EQ(lines.dropped_bytes(), 6U);
}

}  // namespace
}  // namespace upcall::dispatch
