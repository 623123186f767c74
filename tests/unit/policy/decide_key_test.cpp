// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "policy/decide.h"

namespace upcall::policy {
namespace {

using event::Event;
using event::KeyRequest;

Event request(bool in_container) {
  Event event{
      .detail = KeyRequest{
          .type = "user", .description = "vault:a/b", .callout = "c", .destination = "_ses"}};
  event.origin.uid = 101000;
  event.origin.gid = 101001;
  event.origin.inner_uid = 1000;
  event.origin.inner_gid = 1001;
  event.origin.tag = "gold";
  if (in_container) event.origin.verdict = event::Verdict::in_container;
  return event;
}

std::string decided(KeyRequestMatch when, const Event& event) {
  const Policy policy{.containers = {{.name = "web"}},
                      .key_rules = {{.name = "rule", .when = std::move(when)}}};
  return decide(policy, event).rule;
}

TEST(DecideKey, ConditionsAreGlobsOverWhatIsAskedFor) {
  const auto event = request(true);
  EXPECT_EQ(decided({}, event), "rule");
  EXPECT_EQ(decided({.type = {"logon", "user"}}, event), "rule");
  EXPECT_EQ(decided({.type = {"use"}}, event), "defaults");
  EXPECT_EQ(decided({.description = {"vault:**"}}, event), "rule");
  EXPECT_EQ(decided({.description = {"vault:*"}}, event), "defaults");
  EXPECT_EQ(decided({.callout = {"?"}, .destination = {"_ses"}}, event), "rule");
  EXPECT_EQ(decided({.destination = {".*"}}, event), "defaults");
}

TEST(DecideKey, ContainerAndUserAreTheOrigins) {
  EXPECT_EQ(decided({.container = {"web"}, .uid = {1000}}, request(true)), "rule");
  EXPECT_EQ(decided({.container = {"*"}}, request(false)), "defaults");
  EXPECT_EQ(decided({.uid = {1000}}, request(false)), "defaults");
  EXPECT_EQ(decided({.uid = {101000}}, request(false)), "rule");
}

TEST(DecideKey, IdsAreThoseOfTheContainerUnlessTheHostsAreAskedFor) {
  EXPECT_EQ(decided({.gid = {1001}}, request(true)), "rule");
  EXPECT_EQ(decided({.gid = {101001}}, request(true)), "defaults");
  EXPECT_EQ(decided({.gid = {101001}}, request(false)), "rule");
  for (const bool inside : {true, false}) {
    EXPECT_EQ(decided({.host_uid = {101000}, .host_gid = {101001}}, request(inside)), "rule");
    EXPECT_EQ(decided({.host_uid = {1000}}, request(inside)), "defaults");
    EXPECT_EQ(decided({.host_gid = {1001}}, request(inside)), "defaults");
  }
}

TEST(DecideKey, TheTagIsTheOrigins) {
  EXPECT_EQ(decided({.tag = {"silver", "go*"}}, request(true)), "rule");
  EXPECT_EQ(decided({.tag = {"silver"}}, request(true)), "defaults");
}

TEST(DecideKey, TheKernelsOwnRequestsAreToldFromUsers) {
  auto event = request(true);
  EXPECT_EQ(decided({.source = KeySource::user}, event), "rule");
  EXPECT_EQ(decided({.source = KeySource::kernel}, event), "defaults");
  std::get<KeyRequest>(event.detail).by_kernel = true;
  EXPECT_EQ(decided({.source = KeySource::user}, event), "defaults");
  EXPECT_EQ(decided({.source = KeySource::kernel}, event), "rule");
}

TEST(DecideKey, RulesOnCoreDumpsSayNothingOfKeys) {
  const Policy policy{.rules = {{.name = "crashes", .action = {.kind = ActionKind::reject}}}};
  const auto decision = decide(policy, request(true));
  EXPECT_EQ(decision.rule, kDefaults);
  EXPECT_EQ(decision.action.kind, ActionKind::pass);
}

TEST(DecideKey, TheNegativeAnswerIsTheRules) {
  const Policy policy{.key_rules = {{.name = "r",
                                     .action = {.kind = ActionKind::reject},
                                     .negative = {.error = EACCES, .seconds = 9}}}};
  EXPECT_EQ(decide(policy, request(true)).negative, (Negative{.error = EACCES, .seconds = 9}));
}

TEST(PassesAllKeyRequests, UnlessARuleOrTheDefaultDoesNot) {
  EXPECT_TRUE(passes_all_key_requests({}));
  EXPECT_TRUE(passes_all_key_requests({.key_rules = {{.name = "r"}}}));
  EXPECT_FALSE(passes_all_key_requests({.key_rules = {{.action = {.kind = ActionKind::reject}}}}));
  EXPECT_FALSE(passes_all_key_requests({.request_key_default = {.kind = ActionKind::reject}}));
}

}  // namespace
}  // namespace upcall::policy
