// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "policy/decide.h"

namespace upcall::policy {
namespace {

using event::Asker;
using event::Event;
using event::ModuleRequest;

constexpr auto kPid = static_cast<std::size_t>(event::Namespace::pid);

Event request(bool in_container, Asker asker = Asker::user) {
  Event event{.detail = ModuleRequest{.alias = "fs-xfs", .modules = {"xfs"}, .asker = asker}};
  event.origin.uid = 101000;
  event.origin.exe = "/bin/mount";
  if (!in_container) return event;
  event.origin.inner_uid = 1000;
  event.origin.container_namespaces.at(kPid) = 7;
  event.origin.user_namespace_depth = 1;
  event.origin.verdict = event::Verdict::in_container;
  return event;
}

std::string decided(ModuleMatch when, const Event& event) {
  const Policy policy{.containers = {{.name = "web"}},
                      .module_rules = {{.name = "rule", .when = std::move(when)}}};
  return decide(policy, event).rule;
}

TEST(DecideModule, ConditionsAreGlobsOverAliasAndModules) {
  const auto event = request(true);
  EXPECT_EQ(decided({}, event), "rule");
  EXPECT_EQ(decided({.alias = {"net-*", "fs-*"}}, event), "rule");
  EXPECT_EQ(decided({.alias = {"xfs"}}, event), "defaults");
  EXPECT_EQ(decided({.module = {"xfs"}}, event), "rule");
  EXPECT_EQ(decided({.module = {"ext?"}}, event), "defaults");
  EXPECT_EQ(decided({.exe = {"/bin/*"}, .tag = {"gold"}}, event), "defaults");
}

TEST(DecideModule, DashAndUnderscoreAreTheSame) {
  auto event = request(true);
  auto& asked = std::get<ModuleRequest>(event.detail);
  asked.modules = {"ip_vs"};
  for (const char* alias : {"net-pf-21", "net_pf_21", "net-pf_21"}) {
    asked.alias = alias;
    EXPECT_EQ(decided({.alias = {"net-pf-*"}}, event), "rule");
    EXPECT_EQ(decided({.alias = {"net_pf_2?"}}, event), "rule");
    EXPECT_EQ(decided({.alias = {"net[-_]pf*"}}, event), "rule");
    EXPECT_EQ(decided({.alias = {"net-pf-2[0-9]"}}, event), "rule");
  }
  EXPECT_EQ(decided({.module = {"ip-*"}}, event), "rule");
  EXPECT_EQ(decided({.module = {"ip_vs"}}, event), "rule");
}

TEST(DecideModule, ModuleThatIsNotThereMatchesNoNameOfOne) {
  auto event = request(true);
  std::get<ModuleRequest>(event.detail).modules.clear();
  EXPECT_EQ(decided({.module = {"**"}}, event), "defaults");
}

TEST(DecideModule, ContainerIsThatOfThePidNamespaceWhateverTheVerdict) {
  auto event = request(true);
  EXPECT_EQ(decided({.container = {"web"}, .uid = {1000}}, event), "rule");
  // As a process can bring about by itself, such as by ceasing to be dumpable.
  event.origin.verdict = event::Verdict::mixed;
  EXPECT_EQ(decided({.container = {"web"}, .uid = {1000}}, event), "rule");
  EXPECT_EQ(decided({.container = {"*"}}, request(false)), "defaults");
}

TEST(DecideModule, UserNamespacesAreToldWithoutAnyContainer) {
  auto event = request(false);
  EXPECT_EQ(decided({.user_namespace = UserNamespace::child}, event), "defaults");
  EXPECT_EQ(decided({.user_namespace = UserNamespace::host}, event), "rule");
  event.origin.user_namespace_depth = 1;
  EXPECT_EQ(decided({.user_namespace = UserNamespace::child}, event), "rule");
}

TEST(DecideModule, AskersAreToldApart) {
  const auto kernel = request(false, Asker::kernel);
  EXPECT_EQ(decided({}, kernel), "rule");
  EXPECT_EQ(decided({.asker = AskedBy::kernel}, kernel), "rule");
  EXPECT_EQ(decided({.asker = AskedBy::user}, kernel), "defaults");
  EXPECT_EQ(decided({.asker = AskedBy::kernel}, request(true)), "defaults");
}

TEST(DecideModule, UnknownAskerIsDeniedUnlessARuleNamesHim) {
  const auto unknown = request(false, Asker::unknown);
  const Policy policy{.module_rules = {{.name = "all", .action = {.kind = ActionKind::pass}}}};
  const auto decision = decide(policy, unknown);
  EXPECT_EQ(decision.rule, kDefaults);
  EXPECT_EQ(decision.action.kind, ActionKind::reject);
  EXPECT_EQ(decided({.asker = AskedBy::unknown}, unknown), "rule");
}

TEST(DecideModule, NothingHoldsOfAnUnknownAskerHimself) {
  const Event unknown{.detail = ModuleRequest{.alias = "fs-xfs"}};
  const auto asked = AskedBy::unknown;
  EXPECT_EQ(decided({.asker = asked, .alias = {"fs-*"}}, unknown), "rule");
  EXPECT_EQ(decided({.uid = {0}, .asker = asked}, unknown), "defaults");
  EXPECT_EQ(decided({.user_namespace = UserNamespace::host, .asker = asked}, unknown), "defaults");
  EXPECT_EQ(decided({.asker = asked, .exe = {"**"}}, unknown), "defaults");
  EXPECT_EQ(decided({.asker = asked, .tag = {"*"}}, unknown), "defaults");
}

TEST(DecideModule, WithoutRulesTheKernelsSettingIsNoBusinessOfOurs) {
  EXPECT_FALSE(rules_on_modules({}));
  EXPECT_TRUE(rules_on_modules({.modprobe_default = {.kind = ActionKind::reject}}));
  const Policy aliases{.module_rules = {{.when = {.alias = {"x"}}}}};
  EXPECT_TRUE(rules_on_modules(aliases));
  EXPECT_FALSE(needs_module_names(aliases));
  EXPECT_TRUE(needs_module_names({.module_rules = {{.when = {.module = {"x"}}}}}));
}

}  // namespace
}  // namespace upcall::policy
