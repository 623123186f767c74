// SPDX-License-Identifier: Apache-2.0
// What the kernel is said to offer, beside what its release should.
#include "kernel/features.h"

#include <gtest/gtest.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <string_view>
#include <utility>

#include "base/text.h"

namespace upcall::test {
namespace {

using Release = std::pair<int, int>;

// The first two numbers of "6.12.43-amd64".
Release release_of(std::string_view text) {
  std::string_view rest{text};
  const auto first = parse_integer<int>(take_until(rest, '.'));
  const auto second = parse_integer<int>(rest.substr(0, rest.find_first_not_of("0123456789")));
  EXPECT_TRUE(first && second) << text;
  return {first.value_or(0), second.value_or(0)};
}

TEST(Features, AreThoseOfTheRelease) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may look at all of them";
  utsname running{};
  ASSERT_EQ(::uname(&running), 0);
  const auto features = kernel::probe_features();
  ASSERT_GE(features.size(), 10U);
  for (const auto& feature : features) {
    EXPECT_EQ(feature.present, release_of(running.release) >= release_of(feature.since))
        << feature.name << " on " << running.release;
  }
}

}  // namespace
}  // namespace upcall::test
