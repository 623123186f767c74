// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "policy/decide.h"

namespace upcall::policy {
namespace {

using event::Asker;
using event::Event;
using event::HelperRequest;

Event request(Asker asker = Asker::user) {
  Event event{.detail = HelperRequest{
                  .path = "/sbin/drbdadm", .arguments = {"fence-peer", "r0"}, .asker = asker}};
  event.origin.exe = "/usr/sbin/tool";
  return event;
}

Event in_container(Event event) {
  event.origin.container_namespaces.at(static_cast<std::size_t>(event::Namespace::pid)) = 7;
  event.origin.user_namespace_depth = 1;
  event.origin.inner_uid = 0;
  return event;
}

Event release(const std::string& cgroup) {
  Event event{
      .detail = HelperRequest{
          .path = "/agent", .arguments = {cgroup}, .release_agent = true, .asker = Asker::kernel}};
  event.origin.cgroup = cgroup;
  return event;
}

Decision decided(HelperMatch when, const Event& event, ContainerSelector web = {.name = "web"}) {
  const Policy policy{.containers = {std::move(web)},
                      .helper_rules = {{.name = "rule", .when = std::move(when)}}};
  return decide(policy, event);
}

TEST(DecideHelper, ConditionsAreGlobsOverPathAndArguments) {
  EXPECT_EQ(decided({}, request()).rule, "rule");
  EXPECT_EQ(decided({.path = {"/sbin/*"}}, request()).rule, "rule");
  EXPECT_EQ(decided({.path = {"/bin/*"}}, request()).rule, "defaults");
  EXPECT_EQ(decided({.argument = {"x", "fence-*"}}, request()).rule, "rule");
  EXPECT_EQ(decided({.argument = {"fence"}}, request()).rule, "defaults");
  EXPECT_EQ(decided({.exe = {"/usr/**"}}, request()).rule, "rule");
}

TEST(DecideHelper, ContainerIsThatOfThePidNamespace) {
  EXPECT_EQ(decided({.container = {"web"}}, request()).rule, "defaults");
  const auto decision = decided({.container = {"web"}, .uid = {0}}, in_container(request()));
  EXPECT_EQ(decision.rule, "rule");
  EXPECT_EQ(decision.container, "web");
  EXPECT_EQ(decided({.user_namespace = UserNamespace::child}, in_container(request())).rule,
            "rule");
}

TEST(DecideHelper, UnknownAskerIsDeniedUnlessARuleNamesHim) {
  const auto denied = decided({.path = {"/sbin/*"}}, request(Asker::unknown));
  EXPECT_EQ(denied.rule, "defaults");
  EXPECT_EQ(denied.action.kind, ActionKind::reject);
  EXPECT_EQ(decided({.asker = AskedBy::unknown}, request(Asker::unknown)).rule, "rule");
  EXPECT_EQ(decided({.uid = {0}, .asker = AskedBy::unknown}, request(Asker::unknown)).rule,
            "defaults");
}

TEST(DecideHelper, EmptyCgroupIsThatOfTheContainerWhosePathOrRecordSaysSo) {
  const auto event = release("/pods/web-1/below");
  EXPECT_EQ(decided({.cgroup = {"/pods/*/below"}}, event).rule, "rule");
  EXPECT_EQ(decided({.cgroup = {"/pods/*"}}, event).rule, "defaults");
  const ContainerSelector by_path{.name = "web", .cgroup = "/pods/web-*/**"};
  EXPECT_EQ(decided({.container = {"web"}}, event, by_path).container, "web");
  EXPECT_EQ(decided({.container = {"web"}}, release("/other"), by_path).rule, "defaults");

  auto recorded = event;
  recorded.origin.container = event::Container{.runtime = "crun", .id = "c1"};
  const ContainerSelector by_record{.name = "web", .record = RecordMatch{.runtime = {"crun"}}};
  EXPECT_EQ(decided({.container = {"web"}}, recorded, by_record).container, "web");
  EXPECT_EQ(decided({.container = {"web"}}, event, by_record).rule, "defaults");
}

TEST(DecideHelper, EmptyCgroupOfTheHostIsInNoContainer) {
  const auto event = release("/system.slice/some.service");
  EXPECT_EQ(decided({.container = {"*"}}, event, {.name = "web", .anonymous = true}).rule,
            "defaults");
  EXPECT_EQ(decided({.container = {"*"}}, event).rule, "defaults");
}

TEST(DecideHelper, WhoWasInAnEmptyCgroupNoSelectorCanAsk) {
  const auto event = release("/pods/web");
  for (const auto wanted : {UserNamespace::host, UserNamespace::child}) {
    const ContainerSelector selector{.name = "web", .cgroup = "/pods/*", .user_namespace = wanted};
    EXPECT_EQ(decided({.container = {"web"}}, event, selector).rule, "defaults");
  }
}

TEST(DecideHelper, CgroupIsNoConditionThatAnotherHelperMeets) {
  auto event = request(Asker::kernel);
  event.origin.cgroup = "/pods/web";
  EXPECT_EQ(decided({.cgroup = {"**"}}, event).rule, "defaults");
}

TEST(RulesOnHelpers, AreThereWhereAnythingIsNotPassed) {
  EXPECT_FALSE(rules_on_helpers({}));
  EXPECT_TRUE(rules_on_helpers({.helper_rules = {{.name = "r"}}}));
  EXPECT_TRUE(rules_on_helpers({.helper_default = {.kind = ActionKind::reject}}));
}

}  // namespace
}  // namespace upcall::policy
