// SPDX-License-Identifier: Apache-2.0
#include "origin/departed.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace upcall::origin {
namespace {

constexpr Departed::Time kStart{std::chrono::hours{1}};

class DepartedTest : public ::testing::Test {
 protected:
  void add(const std::string& cgroup, const std::string& id, Departed::Time when = kStart) {
    departed_.add(cgroup, {.runtime = "crun", .id = id}, when);
  }
  [[nodiscard]] std::string at(std::string_view cgroup, Departed::Time when = kStart,
                               std::string_view living = {}) const {
    const auto* container = departed_.find(cgroup, when, living.size());
    return container != nullptr ? container->id : "none";
  }
  Departed departed_;
};

TEST_F(DepartedTest, IsFoundByItsCgroupAndWhatWasBelow) {
  add("/pods/web", "web");
  EXPECT_EQ(at("/pods/web"), "web");
  EXPECT_EQ(at("/pods/web/payload/a"), "web");
  for (const auto* other : {"/pods", "/pods/web2", "/pods/we", "/", "", "pods/web"})
    EXPECT_EQ(at(other), "none") << other;
}

TEST_F(DepartedTest, NearestIsFoundFirst) {
  add("/outer/inner", "inner");
  add("/outer", "outer");
  EXPECT_EQ(at("/outer/inner/a"), "inner");
  EXPECT_EQ(at("/outer/other"), "outer");
}

TEST_F(DepartedTest, IsFoundBelowALivingOneButNotInItsPlace) {
  add("/outer/inner", "inner");
  EXPECT_EQ(at("/outer/inner/a", kStart, "/outer"), "inner");
  EXPECT_EQ(at("/outer/inner/a", kStart, "/outer/inner"), "none");
  EXPECT_EQ(at("/outer/inner/a", kStart, "/outer/inner/a"), "none");
}

TEST_F(DepartedTest, OfTwoWithOneCgroupTheLatterIsFound) {
  add("/web", "first");
  add("/web", "second");
  EXPECT_EQ(at("/web"), "second");
}

TEST_F(DepartedTest, IsForgottenAfterAWhile) {
  add("/web", "web");
  EXPECT_EQ(at("/web", kStart + limits::kDepartedFor), "web");
  EXPECT_EQ(at("/web", kStart + limits::kDepartedFor + std::chrono::milliseconds{1}), "none");
}

TEST_F(DepartedTest, OfTooManyTheFirstAreForgotten) {
  for (std::size_t i = 0; i <= limits::kDeparted; ++i)
    add("/" + std::to_string(i), std::to_string(i));
  EXPECT_EQ(at("/0"), "none");
  EXPECT_EQ(at("/1"), "1");
  EXPECT_EQ(at("/" + std::to_string(limits::kDeparted)), std::to_string(limits::kDeparted));
}

}  // namespace
}  // namespace upcall::origin
