// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/lxc.h"

#include <gtest/gtest.h>

namespace upcall::origin {
namespace {

TEST(ParseLxcCgroup, NamesTheContainerOfAnyOfItsProcesses) {
  for (const auto* path : {"/lxc.payload.web", "/lxc.payload.web/system.slice/nginx.service"}) {
    const auto record = parse_lxc_cgroup(path);
    ASSERT_TRUE(record) << path;
    EXPECT_EQ(record->container.runtime, "lxc");
    EXPECT_EQ(record->container.id, "web");
    EXPECT_EQ(record->container.name, "web");
    EXPECT_EQ(record->cgroup, "/lxc.payload.web");
    EXPECT_EQ(record->init, 0);
  }
}

TEST(ParseLxcCgroup, BelievesNoNameThatAStrangerCouldGive) {
  EXPECT_FALSE(parse_lxc_cgroup("/user.slice/user-1000.slice/lxc.payload.web"));
  EXPECT_FALSE(parse_lxc_cgroup("/docker/lxc.payload.web"));
  const auto nested = parse_lxc_cgroup("/lxc.payload.outer/lxc.payload.inner");
  ASSERT_TRUE(nested);
  EXPECT_EQ(nested->container.name, "outer");
}

TEST(ParseLxcCgroup, IgnoresWhatIsNoContainer) {
  for (const auto* path : {"", "/", "/lxc.payload.", "/lxc.payload./x", "/lxc.payload",
                           "/lxc.monitor.web", "lxc.payload.web"}) {
    EXPECT_FALSE(parse_lxc_cgroup(path)) << path;
  }
  EXPECT_FALSE(parse_lxc_cgroup("/lxc.payload." + std::string(513, 'x')));
}

}  // namespace
}  // namespace upcall::origin
