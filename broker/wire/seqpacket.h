// SPDX-License-Identifier: Apache-2.0
// One datagram, whole, with the descriptors that travel with it, over a SOCK_SEQPACKET socket. A
// datagram that does not fit, or more descriptors than asked for, is an error and never a silent
// cut.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::wire {

// The most descriptors that any message of ours carries.
inline constexpr std::size_t kMaxFds = 8;

struct Received {
  std::size_t size{};  // 0: the peer has closed
  std::array<UniqueFd, kMaxFds> fds;
  std::size_t fd_count{};
};

// Sends without SIGPIPE. EAGAIN when a non-blocking socket is full: nothing was sent then.
[[nodiscard]] Result<Ok> send_message(int socket, std::span<const std::byte> bytes,
                                      std::span<const int> fds = {});

// EAGAIN when a non-blocking socket is empty, EMSGSIZE when the datagram was larger than `buffer`
// or brought more than kMaxFds descriptors (those that came are closed). All descriptors are
// CLOEXEC.
[[nodiscard]] Result<Received> receive_message(int socket, std::span<std::byte> buffer);

// The bytes of a wire struct.
template <class T>
requires std::is_trivially_copyable_v<T>
[[nodiscard]] std::span<const std::byte> bytes_of(const T& message) {
  return std::as_bytes(std::span{&message, 1});
}

}  // namespace upcall::wire
