// SPDX-License-Identifier: Apache-2.0
// What the kernel is said to offer, beside what its release should.
#include "kernel/features.h"

#include <gtest/gtest.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>

namespace upcall::test {
namespace {

using Release = std::pair<int, int>;

Release release_of(const char* text) {
  Release release;
  EXPECT_EQ(std::sscanf(text, "%d.%d", &release.first, &release.second), 2) << text;
  return release;
}

TEST(Features, AreThoseOfTheRelease) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may look at all of them";
  utsname running{};
  ASSERT_EQ(::uname(&running), 0);
  const auto features = kernel::probe_features();
  ASSERT_GE(features.size(), 10U);
  for (const auto& feature : features) {
    EXPECT_EQ(feature.present,
              release_of(running.release) >= release_of(std::string{feature.since}.c_str()))
        << feature.name << " on " << running.release;
  }
}

}  // namespace
}  // namespace upcall::test
