// SPDX-License-Identifier: Apache-2.0
#include "dispatch/uevent_description.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace upcall::dispatch {
namespace {

using namespace std::string_literals;

Briefing briefing_of(const std::string& text) {
  auto event = *event::parse_uevent(text);
  event.origin = event::UeventClass::resync;
  const std::string rule = "plugged";
  const UeventTold told{.id = event::EventId{7}, .event = event, .rule = rule};
  return brief(told, "handler");
}

std::string value_of(const Briefing& briefing, const std::string& name) {
  std::string value = "absent";
  for (const auto& [field, held] : briefing.fields) {
    if (field == name) value = value == "absent" ? held : "twice";
  }
  return value;
}

TEST(UeventDescription, TellsTheEventAndItsVariables) {
  const auto briefing = briefing_of(
      "add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0SUBSYSTEM=net\0IFINDEX=4\0SEQNUM=9\0"s);
  EXPECT_EQ(value_of(briefing, "event"), "uevent");
  EXPECT_EQ(value_of(briefing, "class"), "resync");
  EXPECT_EQ(value_of(briefing, "rule"), "plugged");
  EXPECT_EQ(value_of(briefing, "devpath"), "/devices/x");
  EXPECT_EQ(value_of(briefing, "driver"), "absent");
  EXPECT_EQ(value_of(briefing, "uevent_ifindex"), "4");
  const auto document = nlohmann::json::parse(briefing.document);
  EXPECT_EQ(document["id"], "7");
  EXPECT_EQ(document["variables"]["IFINDEX"], "4");
}

TEST(UeventDescription, NamesTheContainerThatIsTold) {
  const auto event = *event::parse_uevent("add@/devices/x");
  const std::string rule = "plugged";
  const event::Container container{.runtime = "crun", .id = "c1", .name = "web"};
  const UeventTold told{.event = event, .rule = rule, .selector = "gold", .container = &container};
  const auto briefing = brief(told, "handler");
  EXPECT_EQ(value_of(briefing, "container"), "gold");
  EXPECT_EQ(value_of(briefing, "container_id"), "c1");
  EXPECT_EQ(value_of(briefing, "container_name"), "web");
}

TEST(UeventDescription, OfAVariableThatComesTwiceTellsTheFirst) {
  const auto briefing = briefing_of("add@/devices/x\0A=1\0A=2\0"s);
  EXPECT_EQ(value_of(briefing, "uevent_a"), "1");
  EXPECT_EQ(nlohmann::json::parse(briefing.document)["variables"]["A"], "1");
}

TEST(UeventDescription, VariablesThatNoEnvironmentHasAreOnlyInTheDocument) {
  const auto briefing = briefing_of("add@/devices/x\0of-node=\xff\0a=1\0A=2\0"s);
  EXPECT_EQ(value_of(briefing, "uevent_a"), "2");
  EXPECT_EQ(value_of(briefing, "uevent_of-node"), "absent");
  EXPECT_EQ(nlohmann::json::parse(briefing.document)["variables"].size(), 3U);
}

TEST(UeventDescription, LogsNoByteThatCouldStartALine) {
  const auto text = "add@/devices/x\ny\0SUBSYSTEM=\"\0"s;
  const auto event = *event::parse_uevent(text);
  const std::string owner = "c\nd";
  const auto line = decided_line(event::EventId{7}, event, "r", &owner);
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace upcall::dispatch
