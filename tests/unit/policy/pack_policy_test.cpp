// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "policy/policy.h"

namespace upcall::policy {
namespace {

std::vector<UeventRule> uevent_rules() {
  return {{.name = "disks",
           .when = {.action = {"add"},
                    .subsystem = {"block"},
                    .devtype = {"disk"},
                    .devpath = {"/devices/**"},
                    .driver = {"sd"},
                    .env = {{"DEVNAME", {"sd*", "vd*"}}},
                    .attr = {{"removable", {"1"}}, {"device/vendor", {"ATA*"}}},
                    .origin = {event::UeventClass::synthetic}},
           .to = {"web"},
           .handlers = {1},
           .on_failure = 0},
          {.name = "rest", .when = {.container = {"db"}}}};
}

std::vector<ModuleRule> module_rules() {
  return {{.name = "modules",
           .when = {.container = {"web"},
                    .uid = {1},
                    .user_namespace = UserNamespace::child,
                    .asker = AskedBy::kernel,
                    .alias = {"a"},
                    .module = {"m"},
                    .exe = {"/e"},
                    .tag = {"t"}},
           .action = {.kind = ActionKind::load, .module = "other"},
           .on_failure = 1}};
}

std::vector<HelperRule> helper_rules() {
  return {{.name = "helpers",
           .when = {.container = {"web"},
                    .uid = {1},
                    .user_namespace = UserNamespace::host,
                    .asker = AskedBy::user,
                    .path = {"/p"},
                    .argument = {"a"},
                    .cgroup = {"/c"},
                    .exe = {"/e"},
                    .tag = {"t"}},
           .action = {.kind = ActionKind::run, .handlers = {1}},
           .on_failure = 0}};
}

Policy full_policy() {
  return {
      .containers = {{.name = "web", .cgroup = "/web/*", .user_namespace = UserNamespace::child},
                     {.name = "rest", .anonymous = true},
                     {.name = "pods",
                      .record = RecordMatch{.runtime = {"containerd", "cri-o"},
                                            .name = "n",
                                            .image = "i",
                                            .pod = "p",
                                            .pod_namespace = "s",
                                            .labels = {{"a", "b"}, {"c", "*"}}}}},
      .handlers = {{"save", Place::container},
                   {"notify", Place::host},
                   {"key", Place::container, true, true, 600, kMaxReply, false, "/bin/key"}},
      .rules = {{.name = "crashes",
                 .when = {.container = {"web", "*"},
                          .signal = {6, 11},
                          .exe = {"/bin/*"},
                          .tag = {"gold"},
                          .uid = {0, 33}},
                 .action = {.kind = ActionKind::run, .handlers = {0, 1}},
                 .on_failure = 1},
                {.name = "noise", .action = {.kind = ActionKind::reject}}},
      .key_rules = {{.name = "keys",
                     .when = {.container = {"web"},
                              .uid = {33},
                              .gid = {34},
                              .host_uid = {100033},
                              .host_gid = {100034},
                              .tag = {"gold"},
                              .source = KeySource::kernel,
                              .type = {"user"},
                              .description = {"d:**"},
                              .callout = {"c"},
                              .destination = {".*"}},
                     .action = {.kind = ActionKind::run, .handlers = {2}},
                     .on_failure = 1,
                     .negative = {.error = 13, .seconds = 7}}},
      .uevent_rules = uevent_rules(),
      .module_rules = module_rules(),
      .helper_rules = helper_rules(),
      .coredump_default = {.kind = ActionKind::run, .handlers = {1}},
      .request_key_default = {.kind = ActionKind::reject},
      .key_requests_per_second = 7,
      .modprobe_default = {.kind = ActionKind::reject},
      .modprobe_absent_denies = true,
      .helper_default = {.kind = ActionKind::run, .handlers = {1}},
      .helper_absent_denies = true,
      .core_pattern_taken = OnTakeover::restore};
}

TEST(PackPolicy, GivesTheSamePolicyBack) {
  const auto unpacked = unpack_policy(pack_policy(full_policy()));
  ASSERT_TRUE(unpacked);
  ASSERT_EQ(unpacked->containers.size(), 3U);
  EXPECT_EQ(unpacked->containers[0].cgroup, "/web/*");
  EXPECT_EQ(unpacked->containers[0].user_namespace, UserNamespace::child);
  EXPECT_TRUE(unpacked->containers[1].anonymous);
  EXPECT_FALSE(unpacked->containers[1].record);
  EXPECT_EQ(unpacked->containers[2].record, full_policy().containers[2].record);
  EXPECT_EQ(unpacked->handlers, full_policy().handlers);
  ASSERT_EQ(unpacked->rules.size(), 2U);
  const auto& rule = unpacked->rules[0];
  EXPECT_EQ(rule.name, "crashes");
  EXPECT_EQ(rule.when.container, (std::vector<std::string>{"web", "*"}));
  EXPECT_EQ(rule.when.signal, (std::vector<int>{6, 11}));
  EXPECT_EQ(rule.when.exe, (std::vector<std::string>{"/bin/*"}));
  EXPECT_EQ(rule.when.tag, std::vector<std::string>{"gold"});
  EXPECT_EQ(rule.when.uid, (std::vector<uid_t>{0, 33}));
  EXPECT_EQ(rule.action.handlers, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(rule.on_failure, 1U);
  EXPECT_EQ(unpacked->rules[1].on_failure, std::nullopt);
  ASSERT_EQ(unpacked->uevent_rules.size(), 2U);
  const auto& disks = unpacked->uevent_rules[0];
  EXPECT_EQ(disks.when.driver, std::vector<std::string>{"sd"});
  EXPECT_EQ(disks.when.env, full_policy().uevent_rules[0].when.env);
  EXPECT_EQ(disks.when.attr, full_policy().uevent_rules[0].when.attr);
  EXPECT_EQ(disks.when.origin, std::vector{event::UeventClass::synthetic});
  EXPECT_EQ(disks.to, std::vector<std::string>{"web"});
  EXPECT_EQ(disks.handlers, std::vector<std::uint32_t>{1});
  EXPECT_EQ(disks.on_failure, 0U);
  EXPECT_EQ(unpacked->uevent_rules[1].when.origin, UeventMatch{}.origin);
  EXPECT_EQ(unpacked->uevent_rules[1].when.container, std::vector<std::string>{"db"});
  EXPECT_EQ(unpacked->coredump_default.handlers, (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(unpacked->request_key_default.kind, ActionKind::reject);
  EXPECT_EQ(unpacked->core_pattern_taken, OnTakeover::restore);
  EXPECT_EQ(pack_policy(*unpacked), pack_policy(full_policy()));
}

TEST(PackPolicy, GivesTheSameRulesOnModulesBack) {
  const auto unpacked = unpack_policy(pack_policy(full_policy()));
  ASSERT_TRUE(unpacked);
  ASSERT_EQ(unpacked->module_rules.size(), 1U);
  const auto& rule = unpacked->module_rules[0];
  EXPECT_EQ(rule.name, "modules");
  EXPECT_EQ(rule.when.container, std::vector<std::string>{"web"});
  EXPECT_EQ(rule.when.uid, std::vector<uid_t>{1});
  EXPECT_EQ(rule.when.user_namespace, UserNamespace::child);
  EXPECT_EQ(rule.when.asker, AskedBy::kernel);
  EXPECT_EQ(rule.when.alias, std::vector<std::string>{"a"});
  EXPECT_EQ(rule.when.module, std::vector<std::string>{"m"});
  EXPECT_EQ(rule.when.exe, std::vector<std::string>{"/e"});
  EXPECT_EQ(rule.when.tag, std::vector<std::string>{"t"});
  EXPECT_EQ(rule.action.module, "other");
  EXPECT_EQ(rule.on_failure, 1U);
  EXPECT_EQ(unpacked->modprobe_default.kind, ActionKind::reject);
  EXPECT_TRUE(unpacked->modprobe_absent_denies);
}

TEST(PackPolicy, GivesTheSameRulesOnKeysBack) {
  const auto unpacked = unpack_policy(pack_policy(full_policy()));
  ASSERT_TRUE(unpacked);
  ASSERT_EQ(unpacked->key_rules.size(), 1U);
  const auto& rule = unpacked->key_rules[0];
  EXPECT_EQ(rule.name, "keys");
  EXPECT_EQ(rule.when.source, KeySource::kernel);
  EXPECT_EQ(rule.when.uid, (std::vector<uid_t>{33}));
  EXPECT_EQ(rule.when.description, (std::vector<std::string>{"d:**"}));
  EXPECT_EQ(rule.when.destination, (std::vector<std::string>{".*"}));
  EXPECT_EQ(rule.action.handlers, (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(rule.on_failure, 1U);
  EXPECT_EQ(rule.negative, (Negative{.error = 13, .seconds = 7}));
}

TEST(UnpackPolicy, RefusesEveryCutAndEverythingAppended) {
  auto bytes = pack_policy(full_policy());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = unpack_policy(std::span{bytes}.first(size));
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code, std::errc::bad_message);
  }
  bytes.push_back({});
  EXPECT_FALSE(unpack_policy(bytes));
}

TEST(UnpackPolicy, RefusesAnotherTable) {
  auto bytes = pack_policy({});
  bytes[0] = std::byte{'X'};
  const auto other = unpack_policy(bytes);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, std::errc::bad_message);
}

}  // namespace
}  // namespace upcall::policy
