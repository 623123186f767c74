// SPDX-License-Identifier: Apache-2.0
// What the shipped examples decide is what they say of themselves.
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "policy/decide.h"
#include "unit/settings/source_tree.h"

namespace upcall::settings {
namespace {

using event::Asker;
using event::Event;
using event::Origin;

policy::Policy drop_in(const std::string& name) {
  const auto file = "config/conf.d/" + name + ".yaml.example";
  return expect_loads(file, "version: 1\n" + contents(file)).policy;
}

// The shipped policy with all that it only shows switched on.
policy::Policy shown() {
  std::string text = contents("config/upcalld.yaml");
  const std::regex commented{"\n# (containers:|handlers:|rules:| +[^\n]*)"};
  for (std::string before; before != text;) {
    before = text;
    text = std::regex_replace(text, commented, "\n$1");
  }
  return expect_loads("upcalld.yaml", text).policy;
}

const Origin kHost{.cgroup = "/system.slice/some.service"};

Origin in_container(const std::string& cgroup) {
  Origin origin{.cgroup = cgroup, .verdict = event::Verdict::in_container};
  origin.container_namespaces.at(static_cast<std::size_t>(event::Namespace::pid)) = 7;
  return origin;
}

const Origin kAnonymous = in_container("/user.slice/session-1.scope");
const Origin kBuild = in_container("/build.slice/a/b");
const Origin kNoHierarchy = in_container("");  // a host with cgroups of version 1 alone

Origin by_crun(std::map<std::string, std::string> labels = {}) {
  Origin origin = in_container("/crun/c1");
  origin.container = event::Container{.runtime = "crun", .id = "c1", .labels = std::move(labels)};
  return origin;
}

const Origin kCrun = by_crun();
const Origin kRouter = by_crun({{"role", "router"}});

Origin below_user_namespace(Origin origin) {
  origin.user_namespace_depth = 1;
  return origin;
}

// "RULE: HANDLER", "RULE: pass" or "RULE: reject".
std::string decided(const policy::Policy& policy, const Event& event) {
  const auto decision = policy::decide(policy, event);
  if (decision.action.kind == policy::ActionKind::pass) return decision.rule + ": pass";
  if (decision.action.kind == policy::ActionKind::reject) return decision.rule + ": reject";
  return decision.rule + ": " + policy.handlers.at(decision.action.handlers.at(0)).name;
}

Event crash(const Origin& origin) {
  return {.origin = origin, .detail = event::CoreDump{.signal = 11}};
}

Event module(const Origin& origin, const std::string& name) {
  return {.origin = origin,
          .detail = event::ModuleRequest{.alias = name, .modules = {name}, .asker = Asker::user}};
}

Event emptied(const std::string& cgroup) {
  return {
      .origin = {.cgroup = cgroup},
      .detail = event::HelperRequest{
          .path = "/agent", .arguments = {cgroup}, .release_agent = true, .asker = Asker::kernel}};
}

TEST(Examples, ShippedPolicyShowsCrashesThatStayInTheirContainer) {
  const auto policy = shown();
  EXPECT_EQ(decided(policy, crash(kHost)), "defaults: pass");
  EXPECT_EQ(decided(policy, crash(below_user_namespace(kBuild))), "build noise: reject");
  for (const auto& origin : {kCrun, kAnonymous, kNoHierarchy, kBuild}) {
    EXPECT_EQ(decided(policy, crash(origin)), "crashes stay in their container: save-core");
  }
}

TEST(Examples, EveryContainerKeepsItsCores) {
  const auto policy = drop_in("70-save-cores");
  EXPECT_EQ(decided(policy, crash(kHost)), "defaults: pass");
  for (const auto& origin : {kCrun, kAnonymous, kNoHierarchy, below_user_namespace(kCrun)}) {
    EXPECT_EQ(decided(policy, crash(origin)), "core dumps stay in their container: save-core");
  }
}

void expect_lists_of_modules(const policy::Policy& policy) {
  EXPECT_EQ(decided(policy, module(kRouter, "nf_tables")), "modules of routers: pass");
  EXPECT_EQ(decided(policy, module(kBuild, "overlay")), "modules of builders: pass");
  const std::string denied = "no other modules for containers: reject";
  for (const auto& origin : {kCrun, kAnonymous, kNoHierarchy, kRouter, kBuild}) {
    EXPECT_EQ(decided(policy, module(origin, "dummy")), "modules of any container: pass");
    EXPECT_EQ(decided(policy, module(origin, "xfs")), denied);
  }
  EXPECT_EQ(decided(policy, module(kCrun, "nf_tables")), denied);
  EXPECT_EQ(decided(policy, module(kRouter, "overlay")), denied);
}

TEST(Examples, EachKindOfContainerHasItsModules) {
  const auto policy = drop_in("60-modules");
  expect_lists_of_modules(policy);
  EXPECT_EQ(decided(policy, module(kHost, "xfs")), "defaults: pass");
}

TEST(Examples, UserNamespacesHaveTheModulesListed) {
  const auto policy = drop_in("61-modules-of-user-namespaces");
  for (const auto& origin : {kHost, kCrun, kAnonymous}) {
    EXPECT_EQ(decided(policy, module(origin, "xfs")), "defaults: pass");
    const auto below = below_user_namespace(origin);
    EXPECT_EQ(decided(policy, module(below, "fuse")),
              "modules that user namespaces may have: pass");
    EXPECT_EQ(decided(policy, module(below, "xfs")),
              "no other modules for user namespaces: reject");
  }
}

TEST(Examples, JobsThatHaveEndedAreCollected) {
  const auto policy = drop_in("65-empty-cgroups");
  EXPECT_EQ(decided(policy, emptied("/jobs/1")), "jobs that have ended: collect-job");
  EXPECT_EQ(decided(policy, emptied("/jobs/1/step")), "defaults: pass");
  EXPECT_EQ(decided(policy, emptied("/system.slice/some.service")), "defaults: pass");
}

TEST(Examples, NothingIsDeniedWhereModulesAreLogged) {
  const auto policy = drop_in("69-log-of-modules");
  EXPECT_TRUE(policy::rules_on_modules(policy));
  for (const auto& origin : {kHost, kCrun, kAnonymous, below_user_namespace(kHost)}) {
    EXPECT_EQ(decided(policy, module(origin, "xfs")), "modules are only logged: pass");
  }
}

TEST(Examples, ThoseWithTheLabelHearOfUsb) {
  const auto policy = drop_in("50-devices");
  using namespace std::string_literals;
  const auto text = "add@/devices/usb1\0SUBSYSTEM=usb\0"s;
  auto plugged = event::parse_uevent(text);
  plugged->origin = event::UeventClass::kernel;
  const auto nothing = [](const std::string&) { return std::optional<std::string>{}; };
  const auto* rule = policy::UeventIndex{policy.uevent_rules}.decide(*plugged, nullptr, nothing);
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(policy.handlers.at(rule->handlers.at(0)).name, "tell");
  const auto hears = [&](const Origin& origin) {
    const auto* selector = policy::container_of(policy, origin);
    return selector != nullptr && policy::is_among(rule->to, selector->name);
  };
  EXPECT_TRUE(hears(by_crun({{"devices", "usb"}})));
  for (const auto& origin : {kCrun, kAnonymous, kHost}) EXPECT_FALSE(hears(origin));
}

// Each file names containers of which the first that matches counts: in the order of their names
// the files must still mean what each says.
TEST(Examples, DecideTogetherAsEachAlone) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{in_source_tree("config/conf.d")}) {
    names.insert(entry.path().stem().stem());
  }
  EXPECT_GE(names.size(), 6U);
  policy::Policy all;
  for (const auto& name : names) {
    const auto one = drop_in(name);
    all.containers.insert(all.containers.end(), one.containers.begin(), one.containers.end());
    all.rules.insert(all.rules.end(), one.rules.begin(), one.rules.end());
    all.module_rules.insert(all.module_rules.end(), one.module_rules.begin(),
                            one.module_rules.end());
  }
  expect_lists_of_modules(all);
  EXPECT_EQ(policy::container_of(all, by_crun({{"devices", "usb"}}))->name, "usb");
  for (const auto& origin : {kCrun, kAnonymous, kRouter}) {
    EXPECT_EQ(policy::decide(all, crash(origin)).rule, "core dumps stay in their container");
  }
  EXPECT_EQ(policy::decide(all, crash(kHost)).rule, policy::kDefaults);
}

}  // namespace
}  // namespace upcall::settings
