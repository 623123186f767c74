// SPDX-License-Identifier: Apache-2.0
// The kernel's broadcast of uevents (NETLINK_KOBJECT_UEVENT): text, and who the kernel says sent
// it. A socket that has not joined costs the kernel nothing for an event.
#pragma once

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::kernel {

// Bound, not joined; non-blocking. Needs CAP_NET_ADMIN for a buffer beyond net.core.rmem_max.
[[nodiscard]] Result<UniqueFd> open_uevent_socket(std::size_t buffer_bytes);
// For one from elsewhere. EPROTOTYPE for any other kind of socket.
[[nodiscard]] Result<Ok> set_up_uevent_socket(int socket, std::size_t buffer_bytes);

// Whether to hear of the queues of network devices, a hundred events for a device with fifty.
enum class DeviceQueues : std::uint8_t { unheard, heard };
[[nodiscard]] Result<Ok> join_uevents(int socket, DeviceQueues queues);
[[nodiscard]] Result<Ok> leave_uevents(int socket);

// How many the kernel has dropped so far because the buffer was full. Exact, unlike gaps between
// SEQNUMs, which are shared by all network namespaces.
[[nodiscard]] Result<std::uint32_t> query_dropped_uevents(int socket);

// As the kernel tells it, beside the message.
struct UeventSender {
  std::uint32_t port{};    // 0: it came through the kernel
  std::uint32_t groups{};  // 1: broadcast by it
  pid_t pid{};             // 0: the kernel's own; no sender can claim that
  // The number of the network namespace that it is from, where that is not ours
  // (kernel/network_collector.h).
  std::optional<std::uint32_t> network;
};
enum class UeventOrigin : std::uint8_t { kernel, injected, user };
[[nodiscard]] UeventOrigin origin_of(const UeventSender& sender);

struct UeventDatagram {
  std::string_view text;
  UeventSender sender;
};

// Reads many with one system call. Pinned: the kernel is given addresses of its parts.
class UeventReader {
 public:
  UeventReader();
  UeventReader(const UeventReader&) = delete;
  UeventReader& operator=(const UeventReader&) = delete;
  ~UeventReader() = default;

  // Views are good until the next call. EAGAIN when there is nothing more, ENOBUFS once when some
  // have been dropped: what was queued before still comes. What is larger than any that the kernel
  // makes is left out: a program sent it.
  [[nodiscard]] Result<std::span<const UeventDatagram>> read(int socket);

 private:
  static constexpr std::size_t kBatch = 64;
  static constexpr std::size_t kBytes = std::size_t{8} * 1024;
  struct Slot {
    std::array<char, kBytes> text;
    sockaddr_nl address;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int))> control;
    iovec part;
  };

  std::vector<Slot> slots_;
  std::array<mmsghdr, kBatch> messages_{};
  std::array<UeventDatagram, kBatch> datagrams_;
};

}  // namespace upcall::kernel
