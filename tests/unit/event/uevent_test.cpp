// SPDX-License-Identifier: Apache-2.0
#include "event/uevent.h"

#include <gtest/gtest.h>

#include <string>

namespace upcall::event {
namespace {

using namespace std::string_literals;

TEST(ParseUevent, ReadsWhatTheKernelSends) {
  const auto text =
      "move@/devices/virtual/net/b\0ACTION=move\0DEVPATH=/devices/virtual/net/b\0SUBSYSTEM=net\0"
      "DEVPATH_OLD=/devices/virtual/net/a\0DEVTYPE=bridge\0DRIVER=d\0IFINDEX=7\0SEQNUM=42\0"s;
  const auto event = parse_uevent(text);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->action, "move");
  EXPECT_EQ(event->devpath, "/devices/virtual/net/b");
  EXPECT_EQ(event->devpath_old, "/devices/virtual/net/a");
  EXPECT_EQ(event->subsystem, "net");
  EXPECT_EQ(event->devtype, "bridge");
  EXPECT_EQ(event->driver, "d");
  EXPECT_EQ(event->sequence, 42U);
  EXPECT_FALSE(event->synthetic);
  EXPECT_EQ(find_variable(*event, "IFINDEX"), "7");
  EXPECT_FALSE(find_variable(*event, "IFINDE"));
}

TEST(ParseUevent, KnowsWhatWasWrittenToAUeventFile) {
  const auto text = "change@/devices/x\0ACTION=change\0SYNTH_UUID=0\0SEQNUM=1\0"s;
  const auto event = parse_uevent(text);
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->synthetic);
}

// What stands behind comes from a driver, a device or whoever injected it; SEQNUM is appended.
TEST(ParseUevent, TakesTheFirstOfEachNameButTheLastSequenceNumber) {
  const auto text =
      "add@/devices/x\0ACTION=remove\0DEVPATH=/y\0SUBSYSTEM=net\0SUBSYSTEM=block\0SEQNUM=7\0SEQNUM=8\0"s;
  const auto event = parse_uevent(text);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->action, "add");
  EXPECT_EQ(event->devpath, "/devices/x");
  EXPECT_EQ(event->subsystem, "net");
  EXPECT_EQ(event->sequence, 8U);
}

TEST(ParseUevent, NeedsNoNulAtTheEnd) {
  const auto text = "add@/x\0SUBSYSTEM=net"s;
  const auto event = parse_uevent(text);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->subsystem, "net");
  EXPECT_EQ(parse_uevent("add@/nonulSEQNUM=948")->devpath, "/nonulSEQNUM=948");
}

TEST(ParseUevent, FindsActionAndPathWithoutAHeader) {
  const auto text = "ACTION=add\0DEVPATH=/devices/x"s;
  const auto event = parse_uevent(text);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->action, "add");
  EXPECT_EQ(event->devpath, "/devices/x");
}

TEST(ParseUevent, RefusesWhatNamesNoActionOrNoPath) {
  for (const auto& text :
       {""s, "\0"s, "@"s, "add@"s, "@/x"s, "add@x"s, "libudev\0\xfe\xed"s, "\0\0\0add@/x"s}) {
    EXPECT_FALSE(parse_uevent(text)) << text;
  }
}

TEST(ParseUevent, PassesOverWhatIsNoVariable) {
  int variables = 0;
  for_each_variable("=\0==\0X=\0\0\0Y\0Z=1"s, [&](auto, auto) { ++variables; });
  EXPECT_EQ(variables, 2);
}

}  // namespace
}  // namespace upcall::event
