// SPDX-License-Identifier: Apache-2.0
// The uevents of other network namespaces' devices, heard in one place that keeps none of them
// alive: a network namespace with nothing in it hears those of all that have a number there
// (network_namespaces(7); RTM_NEWNSID and NETLINK_LISTEN_ALL_NSID, since Linux 4.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

struct nl_msg;
struct nl_sock;

namespace upcall::kernel {

struct NetworkCollector {
  UniqueFd uevents;  // as open_uevent_socket() makes it
  UniqueFd numbers;  // for NetworkNumbers
};

// Needs CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_BROADCAST. The calling thread is in the new
// namespace meanwhile.
[[nodiscard]] Result<NetworkCollector> make_network_collector(std::size_t buffer_bytes);

// The numbers of network namespaces there. Needs CAP_NET_ADMIN. It never waits: the kernel answers
// rtnetlink before sendmsg(2) returns.
class NetworkNumbers {
 public:
  // Owns a NetworkCollector's `numbers`.
  [[nodiscard]] static Result<NetworkNumbers> take(UniqueFd numbers);

  // Gives one to the network namespace behind this descriptor, for as long as that exists. EEXIST
  // where it has one, or `number` is another's.
  [[nodiscard]] Result<Ok> give(int network, std::uint32_t number);
  // Nothing where it has none.
  [[nodiscard]] Result<std::optional<std::uint32_t>> query(int network);
  // All that are given to what still exists.
  [[nodiscard]] Result<std::set<std::uint32_t>> living();

 private:
  struct Free {
    void operator()(nl_sock* socket) const;
  };
  explicit NetworkNumbers(std::unique_ptr<nl_sock, Free> socket) : socket_{std::move(socket)} {}
  // What the kernel says, which may be nothing.
  [[nodiscard]] Result<std::set<std::uint32_t>> ask(nl_msg* message);

  std::unique_ptr<nl_sock, Free> socket_;
};

}  // namespace upcall::kernel
