// SPDX-License-Identifier: Apache-2.0
#include "kernel/proc.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/unique_fd.h"

namespace upcall::kernel {
namespace {

TEST(ParseNamespacePids, GivesOneForEachLevel) {
  EXPECT_EQ(parse_namespace_pids("Name:\tx\nNSpid:\t812\t7\t1\nNSpgid:\t3\n"),
            (std::vector<pid_t>{812, 7, 1}));
  EXPECT_TRUE(parse_namespace_pids("Name:\tNSpid:\t4\n").empty());
}

TEST(ParseRealIds, TakesTheFirstOfEachLine) {
  const auto ids = parse_real_ids("Uid:\t1000\t0\t0\t0\nGid:\t1001\t5\t5\t5\n");
  ASSERT_TRUE(ids);
  EXPECT_EQ(ids->uid, 1000U);
  EXPECT_EQ(ids->gid, 1001U);
  EXPECT_FALSE(parse_real_ids("Uid:\t1000\n"));
}

TEST(ParseUnifiedCgroup, IgnoresTheOldHierarchies) {
  EXPECT_EQ(parse_unified_cgroup("4:memory:/a\n0::/machine.slice/web\n"), "/machine.slice/web");
  EXPECT_EQ(parse_unified_cgroup("4:memory:/a\n"), "");
}

TEST(ParseCoreLimit, ReadsTheSoftLimit) {
  const std::string head =
      "Limit                     Soft Limit           Hard Limit           Units     \n";
  EXPECT_EQ(
      parse_core_limit(
          head + "Max core file size        0                    unlimited            bytes\n"),
      0U);
  EXPECT_EQ(
      parse_core_limit(
          head + "Max core file size        unlimited            unlimited            bytes\n"),
      UINT64_MAX);
  EXPECT_EQ(parse_core_limit(head), std::nullopt);
}

TEST(IdMap, TranslatesOnlyWhatItHas) {
  const auto map =
      parse_id_map("         0     100000      65536\n     70000       1000          1\n");
  ASSERT_EQ(map.size(), 2U);
  EXPECT_EQ(to_inner(map, 100033), 33U);
  EXPECT_EQ(to_inner(map, 1000), 70000U);
  EXPECT_EQ(to_inner(map, 0), std::nullopt);
  EXPECT_EQ(to_inner(map, 165536), std::nullopt);
}

TEST(IdMap, TakesTheWholeRangeOfTheInitialNamespace) {
  EXPECT_EQ(to_inner(parse_id_map("0 0 4294967295\n"), 4294967294U), 4294967294U);
}

TEST(FindDumpingThread, FindsNoneInAHealthyProcess) {
  const UniqueFd proc{::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  const auto thread = find_dumping_thread(proc.get(), ::getpid());
  ASSERT_FALSE(thread);
  EXPECT_EQ(thread.error().code, std::errc::no_such_process);
}

}  // namespace
}  // namespace upcall::kernel
