// SPDX-License-Identifier: Apache-2.0
#include "policy/uevent_rules.h"

#include <gtest/gtest.h>

namespace upcall::policy {
namespace {

using event::UeventClass;
using Globs = std::vector<std::string>;
using namespace std::string_literals;

const std::string kText =
    "add@/devices/pci/net/eth0\0SUBSYSTEM=net\0DEVTYPE=wlan\0DRIVER=ath\0INTERFACE=eth0\0"s;

// The files of the device. Counts how often it is asked.
class Files {
 public:
  std::optional<std::string> operator()(const std::string& name) {
    ++asked;
    return name == "address" ? std::optional<std::string>{"02:00:00:00:00:01"} : std::nullopt;
  }
  int asked{};
};

// The name of the rule that decides, empty for none.
std::string decided(const UeventMatch& when, UeventClass origin = UeventClass::kernel,
                    const std::string* owner = nullptr, const std::string& text = kText) {
  auto event = event::parse_uevent(text);
  event->origin = origin;
  const std::vector<UeventRule> rules{{.name = "r", .when = when}, {.name = "last", .when = when}};
  const auto* rule = UeventIndex{rules}.decide(*event, owner, Files{});
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

TEST(DecideUevent, AnAttributeOfAConditionMustBeReadable) {
  EXPECT_EQ(decided({.attr = {{"address", {"52:*", "02:*"}}}}), "r");
  EXPECT_EQ(decided({.attr = {{"address", {"52:*"}}}}), "");
  EXPECT_EQ(decided({.attr = {{"address", {"02:*"}}, {"speed", {"**"}}}}), "");
}

TEST(DecideUevent, NoAttributeIsLookedAtInVain) {
  auto event = event::parse_uevent(kText);
  event->origin = UeventClass::kernel;
  Files files;
  const UeventMatch others{.subsystem = {"usb"}, .attr = {{"address", {"*"}}}};
  const UeventMatch any{.subsystem = {"net"}};
  const std::vector<UeventRule> rules{{.name = "others", .when = others},
                                      {.name = "r", .when = any}};
  EXPECT_EQ(UeventIndex{rules}.decide(*event, nullptr, std::ref(files))->name, "r");
  EXPECT_EQ(files.asked, 0);
}

TEST(DecideUevent, ADeviceThatIsRemovedHasNoAttributes) {
  const auto gone = "remove@/devices/pci/net/eth0\0SUBSYSTEM=net\0"s;
  const UeventMatch when{.attr = {{"address", {"02:*"}}}};
  EXPECT_EQ(decided(when, UeventClass::kernel, nullptr, gone), "");
}

TEST(DecideUevent, OnlyTheKernelAndOurselvesAreBelievedUnasked) {
  EXPECT_EQ(decided({}, UeventClass::resync), "r");
  EXPECT_EQ(decided({}, UeventClass::synthetic), "");
  EXPECT_EQ(decided({}, UeventClass::injected), "");
  EXPECT_EQ(decided({.origin = {UeventClass::injected}}, UeventClass::injected), "r");
  EXPECT_EQ(decided({.origin = {UeventClass::user}}, UeventClass::user), "");
}

TEST(DecideUevent, ADeviceIsTheHostsOrItsContainers) {
  const std::string web = "web";
  const auto kernel = UeventClass::kernel;
  EXPECT_EQ(decided({}, kernel, &web), "");
  EXPECT_EQ(decided({.container = {"web"}}, kernel, &web), "r");
  EXPECT_EQ(decided({.container = {"*"}}, kernel, &web), "r");
  EXPECT_EQ(decided({.container = {"db"}}, kernel, &web), "");
  EXPECT_EQ(decided({.container = {"*"}}), "");
  EXPECT_EQ(decided({.container = {"web"}}, UeventClass::injected, &web), "");
}

TEST(DecideUevent, TheFirstDecidesHoweverItsSubsystemIsNamed) {
  const auto first = [](const std::vector<Globs>& subsystems, const std::string& subsystem) {
    std::vector<UeventRule> rules;
    rules.reserve(subsystems.size());
    for (const auto& one : subsystems)
      rules.push_back({.name = std::to_string(rules.size()), .when = {.subsystem = one}});
    const auto text = "add@/devices/x\0SUBSYSTEM="s + subsystem + '\0';
    auto event = event::parse_uevent(text);
    event->origin = UeventClass::kernel;
    const auto* rule = UeventIndex{rules}.decide(*event, nullptr, Files{});
    return rule != nullptr ? rule->name : "";
  };
  EXPECT_EQ(first({{"usb"}, {"n*"}, {"net"}, {}}, "net"), "1");
  EXPECT_EQ(first({{"usb"}, {"net", "x*"}, {"n*"}, {}}, "net"), "1");
  EXPECT_EQ(first({{"usb"}, {"net", "x*"}, {"n*"}, {}}, "xfrm"), "1");
  EXPECT_EQ(first({{"usb"}, {}, {"net"}}, "net"), "1");
  EXPECT_EQ(first({{"usb"}, {"net"}, {}}, "block"), "2");
  EXPECT_EQ(first({{"usb"}, {"net"}}, "block"), "");
  EXPECT_EQ(first({{"n[e]t"}, {"net"}}, "net"), "0");
  EXPECT_EQ(first({{"net"}, {}}, ""), "1");
}

TEST(WantDevices, OfTheHostUnlessARuleNamesContainers) {
  const std::vector<UeventRule> hosts{{.name = "net", .when = {.subsystem = {"net"}}, .to = {"*"}}};
  const std::vector<UeventRule> own{{.name = "own", .when = {.container = {"web"}}}};
  EXPECT_TRUE(want(hosts, Devices::of_host));
  EXPECT_FALSE(want(hosts, Devices::of_containers));
  EXPECT_FALSE(want(own, Devices::of_host));
  EXPECT_TRUE(want(own, Devices::of_containers));
  EXPECT_TRUE(want_devices_of(own, "web"));
  EXPECT_FALSE(want_devices_of(own, "db"));
  EXPECT_FALSE(want_devices_of(own, ""));
}

TEST(MentionQueues, OnlyARuleThatNamesThemDoes) {
  EXPECT_FALSE(mention_queues({{.name = "all"}, {.name = "net", .when = {.subsystem = {"net"}}}},
                              Devices::of_host));
  const std::vector<UeventRule> queues{{.name = "q", .when = {.subsystem = {"net", "que*"}}}};
  EXPECT_TRUE(mention_queues(queues, Devices::of_host));
  EXPECT_FALSE(mention_queues(queues, Devices::of_containers));
}

}  // namespace
}  // namespace upcall::policy
