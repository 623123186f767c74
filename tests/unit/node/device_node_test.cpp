// SPDX-License-Identifier: Apache-2.0
#include "node/device_node.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <map>

namespace upcall::node {
namespace {

using Named = std::map<std::string, std::string>;

const Named kDisk{{"UPCALL_CLASS", "kernel"},
                  {"UPCALL_SUBSYSTEM", "block"},
                  {"UPCALL_UEVENT_MAJOR", "8"},
                  {"UPCALL_UEVENT_MINOR", "17"},
                  {"UPCALL_UEVENT_DEVNAME", "sdb1"}};

Result<std::optional<DeviceNode>> read(const Named& changes) {
  auto named = kDisk;
  for (const auto& [name, value] : changes) named[name] = value;
  return read_device_node([&](const char* name) -> std::optional<std::string_view> {
    const auto found = named.find(name);
    if (found == named.end()) return {};
    return found->second;
  });
}

TEST(ReadDeviceNode, IsThatOfTheEventsDevice) {
  const auto node = *or_throw(read({}));
  EXPECT_EQ(node.path, "sdb1");
  EXPECT_EQ(node.type, mode_t{S_IFBLK});
  EXPECT_EQ(node.number, ::makedev(8, 17));
  EXPECT_EQ(node.permissions, mode_t{0600});
  EXPECT_EQ(node.owner, std::nullopt);
}

TEST(ReadDeviceNode, OnlyBlockDevicesAreBlockDevices) {
  const auto node =
      *or_throw(read({{"UPCALL_SUBSYSTEM", "usb"}, {"UPCALL_UEVENT_DEVNAME", "bus/usb/001/002"}}));
  EXPECT_EQ(node.type, mode_t{S_IFCHR});
  EXPECT_EQ(node.path, "bus/usb/001/002");
}

TEST(ReadDeviceNode, ThePolicyGoesBeforeTheDriver) {
  EXPECT_EQ((*or_throw(read({{"UPCALL_UEVENT_DEVMODE", "0666"}}))).permissions, mode_t{0666});
  const auto node = *or_throw(read({{"UPCALL_UEVENT_DEVMODE", "0666"},
                                    {"UPCALL_WITH_MODE", "0640"},
                                    {"UPCALL_WITH_UID", "7"},
                                    {"UPCALL_WITH_GID", "20"}}));
  EXPECT_EQ(node.permissions, mode_t{0640});
  EXPECT_EQ(node.owner, 7U);
  EXPECT_EQ(node.group, 20U);
}

TEST(ReadDeviceNode, MostDevicesHaveNone) {
  EXPECT_EQ(or_throw(read({{"UPCALL_UEVENT_MAJOR", ""}})), std::nullopt);
  EXPECT_EQ(or_throw(read({{"UPCALL_UEVENT_MINOR", "-1"}})), std::nullopt);
}

TEST(ReadDeviceNode, BelievesTheKernelAlone) {
  EXPECT_TRUE(read({{"UPCALL_CLASS", "resync"}}));
  for (const char* other : {"injected", "synthetic", "user", ""})
    EXPECT_EQ(read({{"UPCALL_CLASS", other}}).error().code, std::errc::operation_not_permitted);
}

TEST(ReadDeviceNode, NoNameLeadsElsewhere) {
  for (const char* name : {"../etc/passwd", "/sda", "a/../../b", "", "a//b", "."})
    EXPECT_EQ(read({{"UPCALL_UEVENT_DEVNAME", name}}).error().code, std::errc::bad_message) << name;
}

}  // namespace
}  // namespace upcall::node
