// SPDX-License-Identifier: Apache-2.0
#include "policy/uevent_rules.h"

#include <gtest/gtest.h>

namespace upcall::policy {
namespace {

using event::UeventClass;
using namespace std::string_literals;

const std::string kText =
    "add@/devices/pci/net/eth0\0SUBSYSTEM=net\0DEVTYPE=wlan\0DRIVER=ath\0INTERFACE=eth0\0"s;

// The name of the rule that decides, empty for none.
std::string decided(const UeventMatch& when, UeventClass origin = UeventClass::kernel) {
  auto event = event::parse_uevent(kText);
  event->origin = origin;
  const std::vector<UeventRule> rules{{.name = "r", .when = when}, {.name = "last", .when = when}};
  const auto* rule = decide(rules, *event);
  return rule != nullptr ? rule->name : "";
}

TEST(DecideUevent, TheFirstRuleWhoseConditionsAllHoldDecides) {
  EXPECT_EQ(decided({}), "r");
  EXPECT_EQ(decided({.action = {"remove", "a*"},
                     .subsystem = {"net"},
                     .devtype = {"wlan"},
                     .devpath = {"/devices/**/eth?"},
                     .driver = {"ath"},
                     .env = {{"INTERFACE", {"wl*", "eth[0-9]"}}}}),
            "r");
  EXPECT_EQ(decided({.action = {"remove"}}), "");
  EXPECT_EQ(decided({.subsystem = {"block"}}), "");
  EXPECT_EQ(decided({.devtype = {"bridge"}}), "");
  EXPECT_EQ(decided({.devpath = {"/devices/*"}}), "");
  EXPECT_EQ(decided({.driver = {"e1000"}}), "");
  EXPECT_EQ(decided({.env = {{"INTERFACE", {"wl*"}}}}), "");
}

TEST(DecideUevent, AVariableOfAConditionMustBeThere) {
  EXPECT_EQ(decided({.env = {{"IFINDEX", {"**"}}}}), "");
}

TEST(DecideUevent, OnlyTheKernelAndOurselvesAreBelievedUnasked) {
  EXPECT_EQ(decided({}, UeventClass::resync), "r");
  EXPECT_EQ(decided({}, UeventClass::synthetic), "");
  EXPECT_EQ(decided({}, UeventClass::injected), "");
  EXPECT_EQ(decided({.origin = {UeventClass::injected}}, UeventClass::injected), "r");
  EXPECT_EQ(decided({.origin = {UeventClass::user}}, UeventClass::user), "");
}

TEST(MentionQueues, OnlyARuleThatNamesThemDoes) {
  EXPECT_FALSE(mention_queues({{.name = "all"}, {.name = "net", .when = {.subsystem = {"net"}}}}));
  EXPECT_TRUE(mention_queues({{.name = "queues", .when = {.subsystem = {"net", "que*"}}}}));
}

}  // namespace
}  // namespace upcall::policy
