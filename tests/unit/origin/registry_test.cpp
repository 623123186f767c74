// SPDX-License-Identifier: Apache-2.0
#include "origin/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upcall::origin {
namespace {

using ::testing::HasSubstr;

Record container(const std::string& id, pid_t init = 100, std::uint64_t start_time = 7) {
  return {.container = {.runtime = "runc", .id = id}, .init = init, .start_time = start_time};
}

std::string name_of(const Record* record) {
  return record != nullptr ? record->container.id : "none";
}

class RegistryTest : public ::testing::Test {
 protected:
  void add(const std::string& id, const std::string& cgroup) {
    const auto put = registry_.put({0, id}, container(id), cgroup);
    ASSERT_TRUE(put) << describe(put.error());
  }
  [[nodiscard]] std::string at(std::string_view path) const {
    return name_of(registry_.find_by_cgroup(path));
  }
  Registry registry_;
};

TEST_F(RegistryTest, FindsTheNearestContainerAbove) {
  add("outer", "/machine.slice/outer.scope");
  add("inner", "/machine.slice/outer.scope/payload/docker/inner");
  EXPECT_EQ(at("/machine.slice/outer.scope"), "outer");
  EXPECT_EQ(at("/machine.slice/outer.scope/payload/docker"), "outer");
  EXPECT_EQ(at("/machine.slice/outer.scope/payload/docker/inner"), "inner");
  EXPECT_EQ(at("/machine.slice/outer.scope/payload/docker/inner/a/b"), "inner");
}

TEST_F(RegistryTest, ComparesWholeComponents) {
  add("web", "/web");
  for (const auto* path :
       {"/web2", "/web2/x", "/we", "/x/web", "/x", "", "/", "web", "web/x", "//"}) {
    EXPECT_EQ(at(path), "none") << path;
  }
  EXPECT_EQ(at("/web/"), "web");
}

TEST_F(RegistryTest, TakesNothingForAContainersCgroupThatCannotBeOne) {
  for (const auto* cgroup : {"", "/", "web", "web/x", "/web/", "//web", "/a//b"}) {
    const auto put = registry_.put({0, "web"}, container("web"), cgroup);
    ASSERT_FALSE(put) << cgroup;
    EXPECT_EQ(put.error().code, std::errc::invalid_argument);
  }
  EXPECT_EQ(registry_.size(), 0U);
}

TEST_F(RegistryTest, BelievesTheCallersCgroupAndNotTheRecords) {
  auto liar = container("liar");
  liar.cgroup = "/victim";
  ASSERT_TRUE(registry_.put({0, "liar"}, liar, "/liar"));
  EXPECT_EQ(at("/victim"), "none");
  ASSERT_EQ(at("/liar"), "liar");
  EXPECT_EQ(registry_.find_by_cgroup("/liar")->cgroup, "/liar");
}

TEST_F(RegistryTest, RefusesTheSecondInOneCgroupAndSaysWhoseItIs) {
  add("first", "/shared");
  const auto put = registry_.put({1, "sec\nond"}, container("second", 200), "/shared");
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, std::errc::file_exists);
  EXPECT_THAT(describe(put.error()), HasSubstr("register container 'sec\\x0aond' in cgroup "
                                               "'/shared', which is that of container 'first'"));
  EXPECT_EQ(at("/shared"), "first");
  EXPECT_EQ(registry_.find_by_init(200, 7), nullptr);
  EXPECT_EQ(registry_.size(), 1U);
}

TEST_F(RegistryTest, ReplacesWhatCameFromTheSameSource) {
  add("web", "/old");
  ASSERT_TRUE(registry_.put({0, "web"}, container("web", 300), "/new"));
  EXPECT_EQ(at("/old"), "none");
  EXPECT_EQ(at("/new"), "web");
  EXPECT_EQ(registry_.find_by_init(100, 7), nullptr);
  EXPECT_EQ(name_of(registry_.find_by_init(300, 7)), "web");
  EXPECT_EQ(registry_.size(), 1U);
}

TEST_F(RegistryTest, ForgetsWhatWasThereBeforeARefusal) {
  add("first", "/shared");
  add("web", "/web");
  EXPECT_FALSE(registry_.put({0, "web"}, container("web"), "/shared"));
  EXPECT_EQ(at("/web"), "none");
  EXPECT_EQ(registry_.size(), 1U);
}

TEST_F(RegistryTest, FindsAnInitByPidAndStartTime) {
  ASSERT_TRUE(registry_.put({0, "old"}, container("old", 100, 7), "/old"));
  ASSERT_TRUE(registry_.put({0, "new"}, container("new", 100, 8), "/new"));
  EXPECT_EQ(name_of(registry_.find_by_init(100, 7)), "old");
  EXPECT_EQ(name_of(registry_.find_by_init(100, 8)), "new");
  EXPECT_EQ(registry_.find_by_init(100, 9), nullptr);
  EXPECT_EQ(registry_.find_by_init(101, 7), nullptr);
}

TEST_F(RegistryTest, FindsNoInitWithoutAStartTime) {
  auto machine = container("machine");
  machine.start_time = {};
  ASSERT_TRUE(registry_.put({0, "machine"}, machine, "/machine"));
  EXPECT_EQ(registry_.find_by_init(100, 0), nullptr);
  EXPECT_EQ(at("/machine"), "machine");
  EXPECT_TRUE(registry_.remove({0, "machine"}));
}

TEST_F(RegistryTest, RemovesOnlyWhatIsThere) {
  add("web", "/web");
  add("db", "/db");
  EXPECT_FALSE(registry_.remove({1, "web"}));
  EXPECT_FALSE(registry_.remove({0, "we"}));
  EXPECT_TRUE(registry_.remove({0, "web"}));
  EXPECT_FALSE(registry_.remove({0, "web"}));
  EXPECT_EQ(at("/web"), "none");
  EXPECT_EQ(at("/db"), "db");
  EXPECT_EQ(name_of(registry_.find_by_init(100, 7)), "none");
}

TEST_F(RegistryTest, KeepsAnInitThatTwoRecordsClaimForTheFirst) {
  ASSERT_TRUE(registry_.put({0, "a"}, container("a"), "/a"));
  ASSERT_TRUE(registry_.put({1, "b"}, container("b"), "/b"));
  EXPECT_EQ(name_of(registry_.find_by_init(100, 7)), "a");
  EXPECT_TRUE(registry_.remove({1, "b"}));
  EXPECT_EQ(name_of(registry_.find_by_init(100, 7)), "a");
}

TEST_F(RegistryTest, ListsByDirectoryAndId) {
  ASSERT_TRUE(registry_.put({1, "a"}, container("a"), "/1"));
  ASSERT_TRUE(registry_.put({0, "c"}, container("c"), "/2"));
  ASSERT_TRUE(registry_.put({0, "b"}, container("b"), "/3"));
  std::string listed;
  for (const auto& [source, record] : registry_.records()) listed += record.container.id;
  EXPECT_EQ(listed, "bca");
}

TEST_F(RegistryTest, HoldsTenThousand) {
  constexpr int kMany = 10'000;
  const auto cgroup = [](int i) {
    return "/kubepods/pod" + std::to_string(i % 100) + "/c" + std::to_string(i);
  };
  for (int i = 0; i < kMany; ++i) {
    const auto id = std::to_string(i);
    ASSERT_TRUE(registry_.put({0, id}, container(id, 1000 + i, 1), cgroup(i)));
  }
  EXPECT_EQ(registry_.size(), 10'000U);
  for (int i = 0; i < kMany; ++i) {
    ASSERT_EQ(at(cgroup(i) + "/init.scope"), std::to_string(i));
    ASSERT_EQ(name_of(registry_.find_by_init(1000 + i, 1)), std::to_string(i));
  }
  EXPECT_EQ(at("/kubepods/pod1"), "none");
  for (int i = 0; i < kMany; i += 2) ASSERT_TRUE(registry_.remove({0, std::to_string(i)}));
  for (int i = 0; i < kMany; ++i) {
    ASSERT_EQ(at(cgroup(i)), i % 2 == 0 ? "none" : std::to_string(i));
  }
}

}  // namespace
}  // namespace upcall::origin
