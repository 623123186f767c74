// SPDX-License-Identifier: Apache-2.0
#include "dispatch/device_order.h"

#include <gtest/gtest.h>

namespace upcall::dispatch {
namespace {

using Tickets = std::vector<DeviceOrder::Ticket>;

TEST(DeviceOrder, LetsIndependentDevicesGoAtOnce) {
  DeviceOrder order;
  EXPECT_TRUE(order.enter({"/devices/a"}).may_start);
  EXPECT_TRUE(order.enter({"/devices/b"}).may_start);
  EXPECT_TRUE(order.enter({"/devices/aa"}).may_start);  // a name is no path
}

TEST(DeviceOrder, KeepsTheOrderOfOneDevice) {
  DeviceOrder order;
  const auto first = order.enter({"/devices/a"});
  const auto second = order.enter({"/devices/a"});
  const auto third = order.enter({"/devices/a"});
  EXPECT_FALSE(second.may_start);
  EXPECT_EQ(order.leave(first.ticket), Tickets{second.ticket});
  EXPECT_EQ(order.leave(second.ticket), Tickets{third.ticket});
  EXPECT_TRUE(order.leave(third.ticket).empty());
  EXPECT_TRUE(order.enter({"/devices/a"}).may_start);
}

TEST(DeviceOrder, WaitsForParentsAndForChildren) {
  DeviceOrder order;
  const auto disk = order.enter({"/devices/sda"});
  const auto one = order.enter({"/devices/sda/sda1"});
  const auto two = order.enter({"/devices/sda/sda2"});
  const auto gone = order.enter({"/devices/sda"});
  EXPECT_FALSE(one.may_start || two.may_start || gone.may_start);
  const Tickets partitions{one.ticket, two.ticket};
  EXPECT_EQ(order.leave(disk.ticket), partitions);
  EXPECT_TRUE(order.leave(two.ticket).empty());
  EXPECT_EQ(order.leave(one.ticket), Tickets{gone.ticket});
}

TEST(DeviceOrder, WaitsForTheLastOfEachRelatedPath) {
  DeviceOrder order;
  const auto child = order.enter({"/devices/a/b"});
  const auto parent = order.enter({"/devices/a"});
  const auto again = order.enter({"/devices/a/b"});
  EXPECT_EQ(order.leave(child.ticket), Tickets{parent.ticket});
  EXPECT_EQ(order.leave(parent.ticket), Tickets{again.ticket});
}

TEST(DeviceOrder, AMoveIsRelatedToBothOfItsPaths) {
  DeviceOrder order;
  const auto before = order.enter({"/devices/old"});
  const auto move = order.enter({"/devices/new", "/devices/old"});
  const auto back = order.enter({"/devices/old", "/devices/new"});
  EXPECT_FALSE(move.may_start || back.may_start);
  EXPECT_EQ(order.leave(before.ticket), Tickets{move.ticket});
  EXPECT_EQ(order.leave(move.ticket), Tickets{back.ticket});
  EXPECT_TRUE(order.enter({"/devices/other"}).may_start);
}

}  // namespace
}  // namespace upcall::dispatch
