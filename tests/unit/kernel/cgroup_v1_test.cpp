// SPDX-License-Identifier: Apache-2.0
#include "kernel/cgroup_v1.h"

#include <gtest/gtest.h>

namespace upcall::kernel {
namespace {

TEST(CgroupsV1, AreThoseThatAreNotTheRootOfTheirHierarchy) {
  const auto cgroups = parse_cgroups_v1(
      "9:name=systemd:/\n8:pids:/a\n4:cpu,cpuacct:/a:b/c\n3:devices:/\n0::/unified\n");
  ASSERT_EQ(cgroups.size(), 2U);
  EXPECT_EQ(cgroups[0].hierarchy, "pids");
  EXPECT_EQ(cgroups[0].path, "/a");
  EXPECT_EQ(cgroups[1].hierarchy, "cpu");
  EXPECT_EQ(cgroups[1].path, "/a:b/c");
}

TEST(CgroupsV1, AreNoneInTheUnifiedHierarchy) {
  EXPECT_TRUE(parse_cgroups_v1("0::/machine.slice/a\n").empty());
}

TEST(HierarchiesV1, AreThoseThatAreMountedWhole) {
  const auto hierarchies = parse_hierarchies_v1(
      "25 24 0:22 / /sys/fs/cgroup ro shared:9 - tmpfs tmpfs rw,mode=755\n"
      "30 25 0:26 /docker/a /elsewhere rw - cgroup cgroup rw,cpu,cpuacct\n"
      "31 25 0:26 / /sys/fs/cgroup/cpu rw shared:11 master:2 - cgroup cgroup rw,cpu,cpuacct\n"
      "32 25 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
      "33 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
      "34 25 0:29 /\n");
  ASSERT_EQ(hierarchies.size(), 2U);
  EXPECT_EQ(hierarchies[0].mount_point, "/sys/fs/cgroup/cpu");
  EXPECT_EQ(hierarchies[0].options, (std::vector<std::string>{"rw", "cpu", "cpuacct"}));
  EXPECT_EQ(hierarchies[1].options.back(), "name=systemd");
}

}  // namespace
}  // namespace upcall::kernel
