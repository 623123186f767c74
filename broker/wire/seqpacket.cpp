// SPDX-License-Identifier: Apache-2.0
#include "wire/seqpacket.h"

#include <sys/socket.h>

#include <cstring>

namespace upcall::wire {
namespace {

// Room for one control message with kMaxFds descriptors, aligned as CMSG_* wants it.
union ControlBuffer {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(int) * kMaxFds)> bytes;
};

void take_fds(msghdr& message, Received& received) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count && received.fd_count < kMaxFds; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + (i * sizeof fd), sizeof fd);
      received.fds[received.fd_count++] = UniqueFd{fd};
    }
  }
}

}  // namespace

Result<Ok> send_message(int socket, std::span<const std::byte> bytes, std::span<const int> fds) {
  assert(fds.size() <= kMaxFds);
  iovec part{.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
  msghdr message{.msg_iov = &part, .msg_iovlen = 1};
  ControlBuffer control{};
  if (!fds.empty()) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(c), fds.data(), fds.size_bytes());
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return from_errno("send a message");
  return Ok{};
}

Result<Received> receive_message(int socket, std::span<std::byte> buffer) {
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  ControlBuffer control{};
  msghdr message{.msg_iov = &part,
                 .msg_iovlen = 1,
                 .msg_control = control.bytes.data(),
                 .msg_controllen = control.bytes.size()};
  ssize_t size = 0;
  do {
    size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return from_errno("receive a message");
  Received received{.size = static_cast<std::size_t>(size)};
  take_fds(message, received);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return from_errno("receive a message that is larger than agreed", EMSGSIZE);
  }
  return received;
}

}  // namespace upcall::wire
