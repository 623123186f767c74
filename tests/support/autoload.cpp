// SPDX-License-Identifier: Apache-2.0
// Makes the kernel ask for modules, and says what came of it:
//
//   upcall-autoload [--count=N] mount TYPE | socket FAMILY | link KIND
//
//   errno=19 us=1480
//
// A line for each of N requests, one after the other: N file systems are called TYPE-0 and so on.
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/text.h"

namespace {

int mount_one(const std::string& type) {
  return ::mount("none", "/tmp", type.c_str(), MS_RDONLY, nullptr) == 0 ? 0 : errno;
}

int open_socket(int family) {
  const int fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  ::close(fd);
  return 0;
}

// As `ip link add type KIND` does (rtnetlink(7)).
int add_link(const std::string& kind) {
  struct Request {
    nlmsghdr header;
    ifinfomsg link;
    rtattr info;
    rtattr kind;
    std::array<char, 16> name;
  } request{};
  request.header = {.nlmsg_len = sizeof request,
                    .nlmsg_type = RTM_NEWLINK,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK};
  request.info = {.rta_len = sizeof request - offsetof(Request, info), .rta_type = IFLA_LINKINFO};
  request.kind = {.rta_len = sizeof request - offsetof(Request, kind), .rta_type = IFLA_INFO_KIND};
  kind.copy(request.name.data(), request.name.size() - 1);
  struct {
    nlmsghdr header;
    nlmsgerr said;
    std::array<char, 512> rest;
  } answer{};
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return errno;
  const bool answered = ::send(fd, &request, sizeof request, 0) > 0 &&
                        ::recv(fd, &answer, sizeof answer, 0) > 0 &&
                        answer.header.nlmsg_type == NLMSG_ERROR;
  const int error = answered ? -answer.said.error : errno;
  ::close(fd);
  return error;
}

int ask(std::string_view how, const std::string& name) {
  if (how == "mount") return mount_one(name);
  return how == "link" ? add_link(name)
                       : open_socket(upcall::parse_integer<int>(name).value_or(AF_UNSPEC));
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::string_view kCount = "--count=";
  int count = 0;
  if (argc > 1 && std::string_view{argv[1]}.starts_with(kCount)) {
    count = upcall::parse_integer<int>(argv[1] + kCount.size()).value_or(0);
    --argc;
    ++argv;
  }
  if (argc != 3) return 2;
  for (int i = 0; i < (count == 0 ? 1 : count); ++i) {
    const std::string name = argv[2] + (count == 0 ? std::string{} : "-" + std::to_string(i));
    const auto start = std::chrono::steady_clock::now();
    const int error = ask(argv[1], name);
    const auto took = std::chrono::steady_clock::now() - start;
    std::printf("errno=%d us=%lld\n", error,
                static_cast<long long>(
                    std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  }
  return 0;
}
