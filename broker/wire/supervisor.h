// SPDX-License-Identifier: Apache-2.0
// upcalld (the supervisor) and upcall-broker: fixed datagrams over a SOCK_SEQPACKET pair.
//
// The supervisor trusts nothing of it but that the broker lives: a broker that an attacker owns can
// say that it is ready, or that a self-test arrived, and gains nothing by it.
#pragma once

#include <cstdint>
#include <type_traits>

namespace upcall::wire {

enum class SupervisorMessageType : std::uint32_t {
  ready = 1,          // broker: it serves its sockets
  expect_self_test,   // supervisor: `pid` is about to dump core; the broker repeats it when it is
                      // prepared
  self_test_arrived,  // broker: its core dump came in, from the kernel's hand
  stop,               // supervisor: take no more, finish what runs, then exit
};

struct SupervisorMessage {
  SupervisorMessageType type{};
  std::int32_t pid{};
};
static_assert(std::is_trivially_copyable_v<SupervisorMessage> && sizeof(SupervisorMessage) == 8);

}  // namespace upcall::wire
