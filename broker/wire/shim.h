// SPDX-License-Identifier: Apache-2.0
// upcall-shim to upcall-broker: one SOCK_SEQPACKET datagram for each call of the kernel.
//
// The shim is started by the kernel as root and adds nothing of its own: it repeats what the kernel
// wrote into its arguments and passes on the kernel's descriptors. The broker believes the pidfd,
// and the numbers only where the kernel told them and no process can have changed them.
//
// Core dump: descriptors {stream, pidfd}; the pidfd is missing where the kernel has no %F. `stream`
// is one end of a stream socket pair. The shim copies the kernel's pipe into the other end, shuts
// its sending side down at the end, and keeps the pipe open until the broker closes. So the broker
// sees the same conversation as from the kernel's own core dump socket after an ack of KERNEL|WAIT.
#pragma once

#include <cstdint>
#include <type_traits>

namespace upcall::wire {

inline constexpr std::uint32_t kShimVersion = 1;

enum class ShimKind : std::uint32_t { core_dump = 1 };

// Every number is in the initial namespaces; -1 where the kernel did not tell it.
struct ShimCoreDump {
  std::uint32_t version{kShimVersion};
  ShimKind kind{ShimKind::core_dump};
  std::int32_t pid{-1};       // %P
  std::int32_t tid{-1};       // %I
  std::int32_t signal{-1};    // %s
  std::int32_t dumpable{-1};  // %d: 0, 1 or 2, as in prctl(PR_SET_DUMPABLE) and fs.suid_dumpable
};
static_assert(std::is_trivially_copyable_v<ShimCoreDump> && sizeof(ShimCoreDump) == 24);

}  // namespace upcall::wire
