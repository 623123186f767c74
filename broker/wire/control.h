// SPDX-License-Identifier: Apache-2.0
// upcallctl to upcall-broker, over the SOCK_SEQPACKET socket DIR/control.socket, which only root
// can reach. One request for each connection. The answer is one JSON document in datagrams of at
// most kControlChunk bytes, after which the broker closes; {"error": "why"} in place of any other.
// A monitor is told until it closes: each datagram is a document of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace upcall::wire {

inline constexpr std::uint32_t kControlVersion = 1;
inline constexpr std::size_t kControlChunk = std::size_t{32} * 1024;
inline constexpr std::size_t kMonitorDocument = std::size_t{64} * 1024;  // the largest one

enum class ControlType : std::uint32_t {
  containers = 1,  // those that are known
  whois,           // descriptors {pidfd}: whose that process is, and why
  monitor,         // uevents as they come; {"lost": N} for what it was too slow to read
};

struct ControlRequest {
  std::uint32_t version{kControlVersion};
  ControlType type{};
};
static_assert(std::is_trivially_copyable_v<ControlRequest> && sizeof(ControlRequest) == 8);

}  // namespace upcall::wire
