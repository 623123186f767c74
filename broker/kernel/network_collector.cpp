// SPDX-License-Identifier: Apache-2.0
#include "kernel/network_collector.h"

#include <fcntl.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>

#include "kernel/netlink_uevent.h"

namespace upcall::kernel {
namespace {

using Message = std::unique_ptr<nl_msg, decltype(&nlmsg_free)>;

Result<UniqueFd> open_numbers() {
  UniqueFd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
  const sockaddr_nl address{.nl_family = AF_NETLINK};
  if (!socket ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return from_errno("open a socket for the numbers of network namespaces");
  }
  return socket;
}

Result<NetworkCollector> open_collector(std::size_t buffer_bytes) {
  auto uevents = open_uevent_socket(buffer_bytes);
  if (!uevents) return uevents.error();
  const int on = 1;
  if (::setsockopt(uevents->get(), SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on, sizeof on) != 0)
    return from_errno("hear the uevents of other network namespaces");
  auto numbers = open_numbers();
  if (!numbers) return numbers.error();
  return NetworkCollector{.uevents = *std::move(uevents), .numbers = *std::move(numbers)};
}

// RTM_NEWNSID or RTM_GETNSID; nullptr without memory.
Message make_message(int type, int flags) {
  Message message{nlmsg_alloc_simple(type, NLM_F_ACK | flags), &nlmsg_free};
  rtgenmsg head{.rtgen_family = AF_UNSPEC};
  if (message && nlmsg_append(message.get(), &head, sizeof head, NLMSG_ALIGNTO) != 0)
    message.reset();
  return message;
}

bool put_network(nl_msg* message, int network) {
  return message != nullptr &&
         nla_put_u32(message, NETNSA_FD, static_cast<std::uint32_t>(network)) == 0;
}

int note_number(nl_msg* message, void* found) {
  const nlattr* number = nlmsg_find_attr(nlmsg_hdr(message), sizeof(rtgenmsg), NETNSA_NSID);
  if (number != nullptr && nla_get_s32(number) >= 0)
    static_cast<std::set<std::uint32_t>*>(found)->insert(nla_get_u32(number));
  return NL_OK;
}

int note_error(sockaddr_nl* /*sender*/, nlmsgerr* answer, void* error) {
  *static_cast<int*>(error) = -answer->error;
  return NL_SKIP;
}

// What an earlier request has left unread must not answer this one.
void drain(int socket) {
  std::array<char, 4096> left{};
  while (::recv(socket, left.data(), left.size(), MSG_DONTWAIT) > 0) {
  }
}

}  // namespace

Result<NetworkCollector> make_network_collector(std::size_t buffer_bytes) {
  const UniqueFd ours{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
  if (!ours) return from_errno("open our network namespace");
  if (::unshare(CLONE_NEWNET) != 0) return from_errno("make a network namespace");
  auto collector = open_collector(buffer_bytes);
  // To go on in there would be a fault in all that follows.
  if (::setns(ours.get(), CLONE_NEWNET) != 0) std::abort();
  return collector;
}

void NetworkNumbers::Free::operator()(nl_sock* socket) const { nl_socket_free(socket); }

Result<NetworkNumbers> NetworkNumbers::take(UniqueFd numbers) {
  std::unique_ptr<nl_sock, Free> socket{nl_socket_alloc()};
  if (!socket) return from_errno("number network namespaces", ENOMEM);
  if (nl_socket_set_fd(socket.get(), NETLINK_ROUTE, numbers.get()) != 0)
    return from_errno("number network namespaces", EPROTOTYPE);
  (void)numbers.release();
  nl_socket_disable_seq_check(socket.get());  // drain() does more
  if (nl_socket_set_nonblocking(socket.get()) != 0)
    return from_errno("number network namespaces", EINVAL);
  return NetworkNumbers{std::move(socket)};
}

Result<std::set<std::uint32_t>> NetworkNumbers::ask(nl_msg* message) {
  constexpr const char* kDoing = "number network namespaces";
  constexpr int kDatagrams = 1024;  // no more than there can be
  std::set<std::uint32_t> found;
  int error = 0;
  nl_socket_modify_cb(socket_.get(), NL_CB_VALID, NL_CB_CUSTOM, &note_number, &found);
  nl_socket_modify_err_cb(socket_.get(), NL_CB_CUSTOM, &note_error, &error);
  drain(nl_socket_get_fd(socket_.get()));
  if (nl_send_auto(socket_.get(), message) < 0) return from_errno(kDoing);
  for (int i = 0; i < kDatagrams; ++i) {
    const int code = nl_recvmsgs_default(socket_.get());
    if (code == -NLE_AGAIN) break;
    if (code < 0) return from_errno(kDoing, EIO);
  }
  if (error != 0) return from_errno(kDoing, error);
  return found;
}

Result<Ok> NetworkNumbers::give(int network, std::uint32_t number) {
  const auto message = make_message(RTM_NEWNSID, 0);
  if (!put_network(message.get(), network) ||
      nla_put_s32(message.get(), NETNSA_NSID, static_cast<std::int32_t>(number)) != 0)
    return from_errno("number a network namespace", ENOMEM);
  const auto given = ask(message.get());
  if (!given) return given.error();
  return Ok{};
}

Result<std::optional<std::uint32_t>> NetworkNumbers::query(int network) {
  const auto message = make_message(RTM_GETNSID, 0);
  if (!put_network(message.get(), network)) return from_errno("ask for a number", ENOMEM);
  const auto found = ask(message.get());
  if (!found) return found.error();
  if (found->empty()) return std::optional<std::uint32_t>{};
  return std::optional{*found->begin()};
}

Result<std::set<std::uint32_t>> NetworkNumbers::living() {
  const auto message = make_message(RTM_GETNSID, NLM_F_DUMP);
  if (!message) return from_errno("ask for all numbers", ENOMEM);
  return ask(message.get());
}

}  // namespace upcall::kernel
