// SPDX-License-Identifier: Apache-2.0
// Whose device a uevent is of, when many network namespaces are heard in one place.
#include "kernel/network_collector.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kernel/detached_mount.h"
#include "kernel/namespaces.h"
#include "kernel/netlink_uevent.h"
#include "kernel/sysfs_devices.h"
#include "support/run_program.h"

namespace upcall::kernel {
namespace {

constexpr std::size_t kBuffer = std::size_t{8} << 20U;
constexpr int kPatience = 30'000;  // milliseconds

UniqueFd open_network() {
  return UniqueFd{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
}

void enter(const UniqueFd& network) { ASSERT_EQ(::setns(network.get(), CLONE_NEWNET), 0); }

class Collector : public ::testing::Test {
 protected:
  void SetUp() override {
    collector_ = or_throw(make_network_collector(kBuffer));
    numbers_.emplace(or_throw(NetworkNumbers::take(std::move(collector_.numbers))));
    or_throw(join_uevents(collector_.uevents.get(), DeviceQueues::unheard));
  }
  void TearDown() override { enter(ours_); }

  UniqueFd make_network() {
    EXPECT_EQ(::unshare(CLONE_NEWNET), 0) << "needs root";
    auto made = open_network();
    enter(ours_);
    return made;
  }
  void add_device(const UniqueFd& network, const std::string& name) {
    enter(network);
    EXPECT_EQ(
        test::run_program({"ip", "link", "add", name, "type", "veth", "peer", "p" + name}).status,
        0);
    enter(ours_);
  }
  UeventSender sender_of(const std::string& device) {
    const auto event = "add@/devices/virtual/net/" + device;
    pollfd poll{.fd = collector_.uevents.get(), .events = POLLIN};
    while (!senders_.contains(event) && ::poll(&poll, 1, kPatience) == 1) {
      const auto read = reader_.read(collector_.uevents.get());
      if (!read) continue;
      for (const auto& datagram : *read)
        senders_.emplace(datagram.text.substr(0, datagram.text.find('\0')), datagram.sender);
    }
    EXPECT_TRUE(senders_.contains(event)) << event;
    return senders_[event];
  }

  const UniqueFd ours_ = open_network();
  NetworkCollector collector_;
  std::optional<NetworkNumbers> numbers_;
  UeventReader reader_;
  std::map<std::string, UeventSender> senders_;  // by the event
};

TEST_F(Collector, LeavesUsWhereWeWere) {
  EXPECT_EQ(or_throw(namespace_id(open_network().get())), or_throw(namespace_id(ours_.get())));
}

TEST_F(Collector, SaysOfWhichNamespaceADeviceIs) {
  const auto one = make_network();
  const auto other = make_network();
  ASSERT_TRUE(numbers_->give(one.get(), 7));
  ASSERT_TRUE(numbers_->give(other.get(), 1000));
  add_device(other, "co0");
  add_device(one, "cn0");
  for (const auto& [device, expected] : {std::pair{"co0", 1000U}, std::pair{"cn0", 7U}}) {
    const auto sender = sender_of(device);
    EXPECT_EQ(sender.network, expected);
    EXPECT_EQ(origin_of(sender), UeventOrigin::kernel);
  }
}

// No answer is ever taken for that to another question.
TEST_F(Collector, KeepsTheNumbersOfManyApart) {
  std::vector<UniqueFd> networks;
  for (std::uint32_t number = 1; number <= 5; ++number) {
    networks.push_back(make_network());
    const int network = networks.back().get();
    EXPECT_EQ(or_throw(numbers_->query(network)), std::nullopt);
    EXPECT_TRUE(numbers_->give(network, number));
    EXPECT_EQ(numbers_->give(network, 9).error().code, std::errc::file_exists);
    EXPECT_EQ(numbers_->give(ours_.get(), number).error().code, std::errc::file_exists);
    for (std::uint32_t known = 1; known <= number; ++known)
      EXPECT_EQ(or_throw(numbers_->query(networks.at(known - 1).get())), known);
  }
  EXPECT_EQ(or_throw(numbers_->living()), (std::set<std::uint32_t>{1, 2, 3, 4, 5}));
}

TEST_F(Collector, HearsNothingOfWhatHasNoNumber) {
  const auto silent = make_network();
  const auto heard = make_network();
  ASSERT_TRUE(numbers_->give(heard.get(), 1));
  add_device(silent, "cs0");
  add_device(heard, "ch0");
  pollfd poll{.fd = collector_.uevents.get(), .events = POLLIN};
  bool over = false;
  while (!over && ::poll(&poll, 1, kPatience) == 1) {
    const auto read = or_throw(reader_.read(collector_.uevents.get()));
    for (const auto& datagram : read) {
      EXPECT_EQ(datagram.text.find("/cs0"), std::string_view::npos);
      over = over || datagram.text.find("/ch0") != std::string_view::npos;
    }
  }
  EXPECT_TRUE(over);
}

// Namespaces end a while after their last descriptor: whoever asks waits for that.
TEST_F(Collector, KeepsNoNamespaceAlive) {
  auto network = make_network();
  ASSERT_TRUE(numbers_->give(network.get(), 1));
  add_device(network, "ck0");
  const auto stays = make_network();
  ASSERT_TRUE(numbers_->give(stays.get(), 2));
  enter(network);
  const auto sysfs = or_throw(mount_detached_sysfs());
  enter(ours_);
  EXPECT_TRUE(device_exists(sysfs.get(), "/devices/virtual/net/ck0"));
  network.reset();
  const auto has_device = [&] { return device_exists(sysfs.get(), "/devices/virtual/net/ck0"); };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{kPatience};
  while ((or_throw(numbers_->living()).contains(1) || has_device()) &&
         std::chrono::steady_clock::now() < deadline)
    ::sched_yield();
  EXPECT_EQ(or_throw(numbers_->living()), std::set<std::uint32_t>{2});
  EXPECT_FALSE(has_device());
}

TEST_F(Collector, SaysThatSomethingIsNoNetwork) {
  const UniqueFd file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  EXPECT_EQ(numbers_->give(file.get(), 1).error().code, std::errc::invalid_argument);
  EXPECT_FALSE(numbers_->query(file.get()));
  EXPECT_EQ(numbers_->give(-1, 1).error().code, std::errc::bad_file_descriptor);
}

}  // namespace
}  // namespace upcall::kernel
