// SPDX-License-Identifier: Apache-2.0
#include "kernel/coredump_protocol.h"

#include <sys/socket.h>

#include <array>
#include <cstddef>

namespace upcall::kernel {
namespace {

// More than any kernel will ever send; what it sends beyond our struct is read and ignored.
constexpr std::size_t kLargestRequest = 4096;

}  // namespace

Result<CoreDumpRequest> receive_request(int connection) {
  CoreDumpRequest request;
  ssize_t n = ::recv(connection, &request, sizeof request, MSG_PEEK | MSG_DONTWAIT);
  if (n < 0) return from_errno("read the kernel's core dump request");
  if (n != sizeof request || request.size < sizeof request || request.size > kLargestRequest) {
    return from_errno("find a core dump request on the connection", EPROTO);
  }
  std::array<std::byte, kLargestRequest> whole{};
  n = ::recv(connection, whole.data(), request.size, MSG_DONTWAIT);
  if (n < 0 || static_cast<std::size_t>(n) != request.size) {
    return from_errno("read all of the kernel's core dump request", n < 0 ? errno : EPROTO);
  }
  return request;
}

Result<Ok> send_ack(int connection, std::uint64_t mask) {
  const CoreDumpAck ack{.mask = mask};
  if (::send(connection, &ack, sizeof ack, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof ack) {
    return from_errno("answer the kernel's core dump request");
  }
  return Ok{};
}

Result<Ok> receive_mark(int connection) {
  std::uint32_t mark{};
  const ssize_t n = ::recv(connection, &mark, sizeof mark, MSG_DONTWAIT);
  if (n < 0) return from_errno("read the kernel's mark");
  if (n != sizeof mark || mark != static_cast<std::uint32_t>(CoreDumpMark::reqack)) {
    return from_errno("agree with the kernel on a core dump (mark " + std::to_string(mark) + ")",
                      EPROTO);
  }
  return Ok{};
}

}  // namespace upcall::kernel
