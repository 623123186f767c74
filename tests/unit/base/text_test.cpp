// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

namespace upcall {
namespace {

TEST(Printable, KeepsPrintableAsciiAndEscapesTheRest) {
  EXPECT_EQ(printable("plain text"), "plain text");
  EXPECT_EQ(printable("a\nb\x1b[0m"), "a\\x0ab\\x1b[0m");
  EXPECT_EQ(printable("\"\\\xff"), "\\\"\\\\\\xff");
}

TEST(Printable, CutsLongText) { EXPECT_EQ(printable("abcdef", 3), "abc..."); }

TEST(ParseInteger, TakesOnlyAWholeNumber) {
  EXPECT_EQ(parse_integer<int>("42"), 42);
  EXPECT_EQ(parse_integer<int>(""), std::nullopt);
  EXPECT_EQ(parse_integer<int>(" 42"), std::nullopt);
  EXPECT_EQ(parse_integer<int>("42x"), std::nullopt);
  EXPECT_EQ(parse_integer<unsigned>("-1"), std::nullopt);
  EXPECT_EQ(parse_integer<std::uint8_t>("256"), std::nullopt);
}

struct GlobCase {
  const char* pattern;
  const char* text;
  bool matches;
};

class Glob : public ::testing::TestWithParam<GlobCase> {};

TEST_P(Glob, Matches) {
  const auto& [pattern, text, matches] = GetParam();
  EXPECT_EQ(glob_matches(pattern, text), matches) << pattern << " against " << text;
}

INSTANTIATE_TEST_SUITE_P(
    Text, Glob,
    ::testing::Values(GlobCase{"", "", true}, GlobCase{"", "a", false}, GlobCase{"*", "", true},
                      GlobCase{"*", "abc", true}, GlobCase{"*", "a/b", false},
                      GlobCase{"**", "a/b", true}, GlobCase{"/a/**", "/a/b/c", true},
                      GlobCase{"/a/**", "/b/a/c", false}, GlobCase{"/a/*/c", "/a/b/c", true},
                      GlobCase{"/a/*/c", "/a/b/x/c", false}, GlobCase{"/a/**/c", "/a/b/x/c", true},
                      GlobCase{"**/c*d", "x/y/cxd", true}, GlobCase{"**/c*d", "x/cd/cd/ce", false},
                      GlobCase{"a?c", "abc", true}, GlobCase{"a?c", "a/c", false},
                      GlobCase{"[a-c]x", "bx", true}, GlobCase{"[!a-c]x", "bx", false},
                      GlobCase{"[!a-c]x", "dx", true}, GlobCase{"[]a]", "]", true},
                      GlobCase{"[", "[", true}, GlobCase{"\\*", "*", true},
                      GlobCase{"\\*", "a", false}, GlobCase{"*.so", "lib.a.so", true}));

TEST(GlobMatches, TakesPolynomialTimeOnHostilePatterns) {
  std::string pattern;
  for (int i = 0; i < 64; ++i) pattern += "a*";
  EXPECT_FALSE(glob_matches(pattern + "b", std::string(4096, 'a')));
}

}  // namespace
}  // namespace upcall
