// SPDX-License-Identifier: Apache-2.0
// Who sent a uevent, how many were lost, and what is never heard, as the kernel really behaves. In
// a network namespace of its own, where only events without one come in from outside.
#include "kernel/netlink_uevent.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <string>

#include "support/run_program.h"

namespace upcall::kernel {
namespace {

using namespace std::string_literals;

constexpr std::size_t kBuffer = std::size_t{8} << 20U;
constexpr int kPatience = 5'000;  // milliseconds

class NetlinkUevent : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "needs root"; }

  static UniqueFd open(std::size_t buffer = kBuffer, DeviceQueues queues = DeviceQueues::unheard) {
    auto socket = or_throw(open_uevent_socket(buffer));
    or_throw(join_uevents(socket.get(), queues));
    return socket;
  }
  // Reads until one has `part` in it.
  UeventDatagram wait_for(int socket, const std::string& part) {
    pollfd poll{.fd = socket, .events = POLLIN};
    while (::poll(&poll, 1, kPatience) == 1) {
      const auto read = reader_.read(socket);
      if (!read) continue;
      for (const auto& datagram : *read) {
        if (datagram.text.find(part) != std::string_view::npos) return datagram;
      }
    }
    ADD_FAILURE() << "no event with " << part;
    return {};
  }
  static void send(const std::string& text, std::uint32_t groups, std::uint16_t nlmsg_type) {
    const UniqueFd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT)};
    sockaddr_nl address{.nl_family = AF_NETLINK, .nl_groups = groups};
    std::string bytes = text;
    if (nlmsg_type != 0) {
      const nlmsghdr header{.nlmsg_len = static_cast<std::uint32_t>(sizeof header + text.size()),
                            .nlmsg_type = nlmsg_type,
                            .nlmsg_flags = NLM_F_REQUEST};
      bytes.insert(0, reinterpret_cast<const char*>(&header), sizeof header);
    }
    ASSERT_EQ(::sendto(socket.get(), bytes.data(), bytes.size(), 0,
                       reinterpret_cast<const sockaddr*>(&address), sizeof address),
              static_cast<ssize_t>(bytes.size()));
  }
  static void change_null_device() {
    const UniqueFd file{::open("/sys/class/mem/null/uevent", O_WRONLY | O_CLOEXEC)};
    ASSERT_EQ(::write(file.get(), "change", 6), 6);
  }

  UeventReader reader_;
};

TEST_F(NetlinkUevent, OfTheKernelHasNoSender) {
  const auto socket = open();
  ASSERT_EQ(test::run_program({"ip", "link", "add", "uet0", "type", "veth", "peer", "uet1"}).status,
            0);
  const auto made = wait_for(socket.get(), "add@/devices/virtual/net/uet0");
  EXPECT_EQ(origin_of(made.sender), UeventOrigin::kernel);
  change_null_device();
  const auto written = wait_for(socket.get(), "change@/devices/virtual/mem/null");
  EXPECT_EQ(origin_of(written.sender), UeventOrigin::kernel);
  EXPECT_NE(written.text.find("SYNTH_UUID="), std::string_view::npos);
}

TEST_F(NetlinkUevent, InjectedOrSentByAProgramIsToldApart) {
  const auto socket = open();
  send("add@/devices/forged-1\0SUBSYSTEM=net\0"s, 1, 0);
  EXPECT_EQ(origin_of(wait_for(socket.get(), "forged-1").sender), UeventOrigin::user);
  send("add@/devices/forged-2\0SUBSYSTEM=net\0"s, 0, NLMSG_MIN_TYPE);
  const auto injected = wait_for(socket.get(), "forged-2");
  EXPECT_EQ(origin_of(injected.sender), UeventOrigin::injected);
  EXPECT_EQ(injected.sender.port, 0U);
  EXPECT_EQ(injected.sender.pid, ::getpid());
}

TEST_F(NetlinkUevent, ThoseOfQueuesAreHeardOnlyOnRequest) {
  const auto without = open();
  const auto with = open(kBuffer, DeviceQueues::heard);
  ASSERT_EQ(test::run_program({"ip", "link", "add", "uet0", "numtxqueues", "9", "type", "veth",
                               "peer", "name", "abcdefghijklmno"})
                .status,
            0);
  ASSERT_EQ(test::run_program({"ip", "link", "del", "uet0"}).status, 0);
  (void)wait_for(with.get(), "/queues/tx-");
  change_null_device();  // the end
  int of_devices = 0;
  for (bool ended = false; !ended;) {
    const auto read = reader_.read(without.get());
    ASSERT_TRUE(read) << describe(read.error());
    for (const auto& datagram : *read) {
      EXPECT_EQ(datagram.text.find("/queues/"), std::string_view::npos) << datagram.text;
      of_devices += datagram.text.find("/net/") != std::string_view::npos ? 1 : 0;
      ended = ended || datagram.text.starts_with("change@/devices/virtual/mem/null");
    }
  }
  EXPECT_EQ(of_devices, 4);
}

TEST_F(NetlinkUevent, LossIsToldOnceAndCountedExactly) {
  const auto small = open(1);  // the kernel gives no less than room for a few
  const auto large = open();
  constexpr int kSent = 100;
  for (int i = 0; i < kSent; ++i) change_null_device();
  const auto first = reader_.read(small.get());
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, std::errc::no_buffer_space);
  const auto count = [&](int socket) {
    std::size_t read_events = 0;
    while (const auto read = reader_.read(socket)) read_events += read->size();
    return read_events;
  };
  const auto all = count(large.get());
  const auto some = count(small.get());
  EXPECT_GE(all, static_cast<std::size_t>(kSent));
  EXPECT_LT(some, all);
  EXPECT_EQ(*query_dropped_uevents(small.get()), all - some);
  EXPECT_EQ(*query_dropped_uevents(large.get()), 0U);
}

TEST_F(NetlinkUevent, NothingIsHeardWithoutJoining) {
  const auto socket = or_throw(open_uevent_socket(kBuffer));
  const auto other = open();
  change_null_device();
  (void)wait_for(other.get(), "/mem/null");
  EXPECT_FALSE(reader_.read(socket.get()));
  or_throw(join_uevents(socket.get(), DeviceQueues::unheard));
  change_null_device();
  (void)wait_for(socket.get(), "/mem/null");
  or_throw(leave_uevents(socket.get()));
  change_null_device();
  EXPECT_FALSE(reader_.read(socket.get()));
}

TEST_F(NetlinkUevent, OnlyASocketForUeventsIsSetUp) {
  const UniqueFd other{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
  EXPECT_FALSE(set_up_uevent_socket(other.get(), kBuffer));
}

}  // namespace
}  // namespace upcall::kernel
