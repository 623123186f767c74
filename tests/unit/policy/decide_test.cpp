// SPDX-License-Identifier: Apache-2.0
#include "policy/decide.h"

#include <gtest/gtest.h>

namespace upcall::policy {
namespace {

using event::CoreDump;
using event::Event;
using event::Verdict;

constexpr int kSegv = 11;
constexpr int kAbrt = 6;

Policy two_containers() {
  return {.containers = {{.name = "web", .cgroup = "/machine.slice/web-*"},
                         {.name = "rootless", .user_namespace = UserNamespace::child}},
          .handlers = {{"save", Place::container}, {"notify", Place::container}}};
}

Event crash_in(const std::string& cgroup) {
  Event event{.detail = CoreDump{.signal = kSegv}};
  event.origin.verdict = Verdict::in_container;
  event.origin.cgroup = cgroup;
  event.origin.exe = "/usr/sbin/nginx";
  event.origin.tag = "gold";
  event.origin.uid = 100033;
  event.origin.inner_uid = 33;
  return event;
}

Event crash_on_host() {
  Event event = crash_in("/machine.slice/web-1");
  event.origin.verdict = Verdict::host;
  event.origin.inner_uid = {};
  return event;
}

Event without_signal(Event event) {
  std::get<CoreDump>(event.detail).signal = {};
  return event;
}

std::string decided(const Policy& policy, const Event& event) { return decide(policy, event).rule; }

struct Case {
  const char* what;
  CoreDumpMatch when;
  Event event;
  const char* rule;
};

class OneRule : public ::testing::TestWithParam<Case> {};

TEST_P(OneRule, DecidesAsItsConditionsSay) {
  auto policy = two_containers();
  policy.rules = {{.name = "rule", .when = GetParam().when}};
  EXPECT_EQ(decided(policy, GetParam().event), GetParam().rule) << GetParam().what;
}

const Event kWeb = crash_in("/machine.slice/web-1");
const Event kUnnamed = crash_in("/other");
const Event kHost = crash_on_host();

INSTANTIATE_TEST_SUITE_P(
    Truth, OneRule,
    ::testing::Values(
        Case{"no condition, host", {}, kHost, "rule"},
        Case{"no condition, container", {}, kWeb, "rule"},
        Case{"the container", {.container = {"web"}}, kWeb, "rule"},
        Case{"one of two", {.container = {"rootless", "web"}}, kWeb, "rule"},
        Case{"another container", {.container = {"rootless"}}, kWeb, "defaults"},
        Case{"any container", {.container = {"*"}}, kWeb, "rule"},
        Case{"any container, but none is named", {.container = {"*"}}, kUnnamed, "defaults"},
        Case{"any container, on the host", {.container = {"*"}}, kHost, "defaults"},
        Case{"a host process in the container's cgroup", {.container = {"web"}}, kHost, "defaults"},
        Case{"the uid inside", {.uid = {33}}, kWeb, "rule"},
        Case{"the uid outside", {.uid = {100033}}, kWeb, "defaults"},
        Case{"the host's uid", {.uid = {100033}}, kHost, "rule"},
        Case{"the exe", {.exe = {"/bin/*", "/usr/sbin/*"}}, kWeb, "rule"},
        Case{"the tag", {.tag = {"silver", "g*"}}, kWeb, "rule"},
        Case{"another tag", {.tag = {"silver"}}, kWeb, "defaults"},
        Case{"another exe", {.exe = {"/bin/*"}}, kWeb, "defaults"},
        Case{"the signal", {.signal = {kAbrt, kSegv}}, kWeb, "rule"},
        Case{"another signal", {.signal = {kAbrt}}, kWeb, "defaults"},
        Case{"unknown signal", {.signal = {kAbrt}}, without_signal(kWeb), kDefaults},
        Case{"unknown signal, no condition on it", {.uid = {33}}, without_signal(kWeb), "rule"},
        Case{"unknown signal, wrong container",
             {.container = {"rootless"}, .signal = {kSegv}},
             without_signal(kWeb),
             "defaults"},
        Case{"unknown signal, wrong uid",
             {.signal = {kSegv}, .uid = {1}},
             without_signal(kWeb),
             "defaults"},
        Case{"unknown signal, wrong exe",
             {.signal = {kSegv}, .exe = {"/bin/*"}},
             without_signal(kWeb),
             "defaults"}));

TEST(Decide, AUidThatCannotBeTranslatedMatchesNoUid) {
  auto policy = two_containers();
  policy.rules = {{.name = "rule", .when = {.uid = {100033, 33}}}};
  auto event = kWeb;
  event.origin.inner_uid = {};
  EXPECT_EQ(decided(policy, event), "defaults");
}

TEST(Decide, TheFirstMatchWinsAndNeedsNoSignalOfLaterRules) {
  auto policy = two_containers();
  policy.rules = {{.name = "other",
                   .when =
                       {
                           .uid = {1},
                       }},
                  {.name = "first", .when = {.container = {"web"}}},
                  {.name = "second", .when = {.signal = {kSegv}}}};
  EXPECT_EQ(decided(policy, without_signal(kWeb)), "first");
  EXPECT_EQ(decided(policy, without_signal(kUnnamed)), kDefaults);
}

TEST(Decide, TellsContainerActionAndOnFailure) {
  auto policy = two_containers();
  policy.rules = {{.name = "rule",
                   .when = {.exe = {"/usr/**"}},
                   .action = {.kind = ActionKind::run, .handlers = {0, 1}},
                   .on_failure = 1}};
  policy.coredump_default = {.kind = ActionKind::reject};
  const auto decision = decide(policy, kWeb);
  EXPECT_EQ(decision.container, "web");
  EXPECT_EQ(decision.action.kind, ActionKind::run);
  EXPECT_EQ(decision.action.handlers, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(decision.on_failure, 1U);

  auto elsewhere = kUnnamed;
  elsewhere.origin.exe = "/bin/sh";
  const auto otherwise = decide(policy, elsewhere);
  EXPECT_EQ(otherwise.rule, kDefaults);
  EXPECT_EQ(otherwise.container, "");
  EXPECT_EQ(otherwise.action.kind, ActionKind::reject);
  EXPECT_EQ(otherwise.on_failure, std::nullopt);
}

TEST(ContainerOf, IsTheFirstSelectorOfWhichAllKeysMatch) {
  Policy policy{
      .containers = {{.name = "both", .cgroup = "/a/*", .user_namespace = UserNamespace::child},
                     {.name = "privileged", .user_namespace = UserNamespace::host},
                     {.name = "a", .cgroup = "/a/*"},
                     {.name = "rest", .anonymous = true}}};
  const auto name = [&](const std::string& cgroup, std::uint32_t depth) {
    event::Origin origin{.cgroup = cgroup, .verdict = Verdict::in_container};
    origin.user_namespace_depth = depth;
    return container_of(policy, origin)->name;
  };
  EXPECT_EQ(name("/a/x", 1), "both");
  EXPECT_EQ(name("/a/x", 0), "privileged");
  EXPECT_EQ(name("/b/x", 2), "rest");
  policy.containers.erase(policy.containers.begin());
  EXPECT_EQ(name("/a/x", 1), "a");
}

struct RecordCase {
  const char* what;
  ContainerSelector selector;
  bool with_record;
  bool without_record;
};

class ByRecord : public ::testing::TestWithParam<RecordCase> {};

TEST_P(ByRecord, SelectsWhatTheRecordSays) {
  const auto& one = GetParam();
  const Policy policy{.containers = {one.selector}};
  Event event = crash_in("/machine.slice/web-1");
  EXPECT_EQ(container_of(policy, event.origin) != nullptr, one.without_record) << one.what;
  event.origin.container = event::Container{.runtime = "podman",
                                            .id = "0123",
                                            .name = "web-1",
                                            .image = "docker.io/library/nginx:1",
                                            .pod = "front",
                                            .pod_namespace = "shop",
                                            .labels = {{"tenant", "a"}, {"empty", ""}}};
  EXPECT_EQ(container_of(policy, event.origin) != nullptr, one.with_record) << one.what;
}

ContainerSelector recorded(RecordMatch match) { return {.name = "c", .record = std::move(match)}; }

INSTANTIATE_TEST_SUITE_P(
    Keys, ByRecord,
    ::testing::Values(
        RecordCase{"any record", recorded({.runtime = {"*"}}), true, false},
        RecordCase{"one of two runtimes", recorded({.runtime = {"crun", "pod*"}}), true, false},
        RecordCase{"another runtime", recorded({.runtime = {"crun"}}), false, false},
        RecordCase{"the name", recorded({.name = "web-*"}), true, false},
        RecordCase{"another name", recorded({.name = "db-*"}), false, false},
        RecordCase{"the image", recorded({.image = "docker.io/**/nginx:*"}), true, false},
        RecordCase{"pod and namespace", recorded({.pod = "front", .pod_namespace = "shop"}), true,
                   false},
        RecordCase{"pod of another namespace", recorded({.pod = "front", .pod_namespace = "bank"}),
                   false, false},
        RecordCase{"a label", recorded({.labels = {{"tenant", "[ab]"}}}), true, false},
        RecordCase{"an empty label", recorded({.labels = {{"empty", "*"}}}), true, false},
        RecordCase{"a missing label", recorded({.labels = {{"owner", "*"}}}), false, false},
        RecordCase{"one label of two", recorded({.labels = {{"tenant", "a"}, {"empty", "x"}}}),
                   false, false},
        RecordCase{"no record", {.name = "c", .anonymous = true}, false, true},
        RecordCase{"a cgroup", {.name = "c", .cgroup = "/machine.slice/*"}, true, true}));

TEST(ContainerOf, HoldsNothingThatHasPrivilegesOfTheHost) {
  const Policy policy{.containers = {{.name = "all", .anonymous = true}}};
  event::Origin origin{.verdict = Verdict::mixed};
  EXPECT_EQ(container_of(policy, origin), nullptr);
  origin.verdict = Verdict::host;
  EXPECT_EQ(container_of(policy, origin), nullptr);
}

TEST(MayBeAmong, RulesOutWhatTheRecordDoes) {
  const Policy policy{.containers = {recorded({.labels = {{"tenant", "a"}}}),
                                     {.name = "rest", .cgroup = "/x"},
                                     {.name = "unknown", .anonymous = true}}};
  const event::Container a{.runtime = "crun", .labels = {{"tenant", "a"}}};
  const event::Container b{.runtime = "crun", .labels = {{"tenant", "b"}}};
  EXPECT_TRUE(may_be_among(policy, {"c"}, a));
  EXPECT_FALSE(may_be_among(policy, {"c"}, b));
  EXPECT_TRUE(may_be_among(policy, {"rest"}, b));  // its cgroup is not known yet
  EXPECT_TRUE(may_be_among(policy, {kAnyContainer}, b));
  EXPECT_FALSE(may_be_among(policy, {"unknown"}, b));
}

TEST(IsAmong, KnowsNoNamelessOne) {
  EXPECT_TRUE(is_among({"a", "b"}, "b"));
  EXPECT_TRUE(is_among({kAnyContainer}, "b"));
  EXPECT_FALSE(is_among({"a"}, "b"));
  EXPECT_FALSE(is_among({kAnyContainer}, ""));
}

}  // namespace
}  // namespace upcall::policy
