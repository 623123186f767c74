// SPDX-License-Identifier: Apache-2.0
#include "forward/message.h"

#include <gtest/gtest.h>

#include <cstring>

namespace upcall::forward {
namespace {

using namespace std::string_literals;

constexpr const char* kDocument = R"({"version": "1", "event": "uevent", "variables": {
  "ACTION": "add", "DEVPATH": "/devices/x", "SUBSYSTEM": "usb", "DEVTYPE": "usb_device", "SEQNUM": "7"}})";

TEST(ForwardMessage, IsWhatTheKernelSaidButItsNumber) {
  const auto event = read_document(kDocument);
  ASSERT_TRUE(event);
  EXPECT_EQ(*kernel_message(*event),
            "add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0SUBSYSTEM=usb\0DEVTYPE=usb_device\0"s);
}

TEST(ForwardMessage, RefusesWhatTheKernelDoesNotTake) {
  Uevent event{.action = "add", .devpath = "/devices/x"};
  event.variables = {{"A", std::string(1900, 'a')}};
  EXPECT_TRUE(kernel_message(event));
  event.variables = {{"A", std::string(2048, 'a')}};
  EXPECT_EQ(kernel_message(event).error().code, std::errc::argument_list_too_long);
}

TEST(ForwardMessage, HasTheHeadByWhichLibudevFilters) {
  const auto message = udev_message(*read_document(kDocument));
  ASSERT_GT(message.size(), 40U);
  EXPECT_EQ(message.substr(0, 8), "libudev\0"s);
  const auto number_at = [&](std::size_t place) {
    std::uint32_t number = 0;
    std::memcpy(&number, message.data() + place, sizeof number);
    return number;
  };
  EXPECT_EQ(number_at(12), 40U);
  EXPECT_EQ(number_at(20), message.size() - 40);
  EXPECT_EQ(message.substr(8, 4), "\xfe\xed\xca\xfe");
  EXPECT_EQ(message.substr(40, 11), "ACTION=add\0"s);
  EXPECT_NE(message.find("SEQNUM=7\0"s), std::string::npos);
}

TEST(ForwardMessage, HasANumberForLibudevWhereTheEventHasNone) {
  const Uevent event{.action = "add", .devpath = "/x", .variables = {{"ACTION", "add"}}};
  EXPECT_NE(udev_message(event).find("SEQNUM=1\0"s), std::string::npos);
}

TEST(ForwardMessage, UnderstandsNothingElse) {
  for (const auto* text :
       {"", "[]", "{}", R"({"variables": {"A": 1}})", R"({"variables": {"A": "b"}})",
        R"({"variables": {"ACTION": "add", "DEVPATH": "/x", "A": "b\u0000C=d"}})"}) {
    EXPECT_EQ(read_document(text).error().code, std::errc::bad_message) << text;
  }
}

}  // namespace
}  // namespace upcall::forward
