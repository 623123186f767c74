// SPDX-License-Identifier: Apache-2.0
// What the real kernel's sysfs says of devices.
#include "kernel/sysfs_devices.h"

#include <gtest/gtest.h>

#include <array>
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
  constexpr std::array<std::string_view, 2> kClasses{"no such class", "net"};
  const auto devices = read_classes(sysfs_.get(), kClasses, 1000);
  ASSERT_TRUE(devices.contains(kLoopback));
  EXPECT_TRUE(devices.at(kLoopback).starts_with("SUBSYSTEM=net\0INTERFACE=lo\0"s));
  EXPECT_FALSE(devices.contains("/devices/virtual/mem/null"));
  EXPECT_EQ(read_classes(sysfs_.get(), kClasses, 1).size(), 1U);
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
