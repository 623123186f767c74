// SPDX-License-Identifier: Apache-2.0
// What the real kernel's sysfs says of devices.
#include "kernel/sysfs_devices.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "kernel/detached_mount.h"

namespace upcall::kernel {
namespace {

using namespace std::string_literals;

constexpr const char* kLoopback = "/devices/virtual/net/lo";

class Sysfs : public ::testing::Test {
 protected:
  UniqueFd sysfs_{or_throw(mount_detached_sysfs())};
  std::optional<std::string> read(std::string_view devpath, std::string_view name) {
    return read_attribute(sysfs_.get(), devpath, name);
  }
};

TEST_F(Sysfs, AnAttributeIsWhatItsFileSaysWithoutTheEndOfTheLine) {
  EXPECT_EQ(read(kLoopback, "address"), "00:00:00:00:00:00");
  EXPECT_EQ(read(kLoopback, "uevent"), "INTERFACE=lo\nIFINDEX=1");
  EXPECT_EQ(read(kLoopback, "power/control"), "auto");
}

TEST_F(Sysfs, ALinkIsWhatItLeadsTo) {
  EXPECT_EQ(read(kLoopback, "subsystem"), "net");
  EXPECT_EQ(read(kLoopback, "subsystem/lo/address"), "00:00:00:00:00:00");
}

TEST_F(Sysfs, WhatCannotBeReadIsNoAttribute) {
  EXPECT_EQ(read(kLoopback, "nothing"), std::nullopt);
  EXPECT_EQ(read(kLoopback, "power"), std::nullopt);           // a directory
  EXPECT_EQ(read(kLoopback, "phys_port_name"), std::nullopt);  // EOPNOTSUPP
  EXPECT_EQ(read("/devices/virtual/net/nobody", "address"), std::nullopt);
}

TEST_F(Sysfs, NoPathLeadsUpwards) {
  EXPECT_EQ(read("/devices/virtual/net/lo/..", "lo/address"), std::nullopt);
  EXPECT_EQ(read("/devices/virtual/net/../net/lo", "address"), std::nullopt);
  EXPECT_EQ(read(kLoopback, "../lo/address"), std::nullopt);
  // Nor out of what is mounted nowhere.
  const auto root = "/" + std::string("../../../../../../");
  EXPECT_FALSE(device_exists(sysfs_.get(), root + "proc"));
  EXPECT_TRUE(device_exists(sysfs_.get(), root + "devices"));
}

TEST_F(Sysfs, AClassHasTheDevicesOfItsNetworkNamespace) {
  const auto devices = list_class(sysfs_.get(), "net");
  EXPECT_NE(std::ranges::find(devices, kLoopback), devices.end());
  EXPECT_TRUE(list_class(sysfs_.get(), "no such class").empty());
  EXPECT_TRUE(read_device(sysfs_.get(), kLoopback).starts_with("SUBSYSTEM=net\0INTERFACE=lo\0"s));
  EXPECT_EQ(read_device(sysfs_.get(), "/devices/virtual/net/nobody"), "");
}

TEST_F(Sysfs, WhatIsLongerThanAPageIsNoAttribute) {
  for (const auto& entry : std::filesystem::directory_iterator{"/sys/kernel/btf"}) {
    if (entry.path().filename() != "vmlinux") continue;
    EXPECT_EQ(read("/kernel", "btf/vmlinux"), std::nullopt);
    return;
  }
  GTEST_SKIP() << "no file that is so long";
}

}  // namespace
}  // namespace upcall::kernel
