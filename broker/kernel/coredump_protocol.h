// SPDX-License-Identifier: Apache-2.0
// The conversation on the kernel's core dump socket, `@@/path` in kernel.core_pattern (Linux 6.17,
// include/uapi/linux/coredump.h). The kernel connects, sends a request, and waits without a limit
// for an answer; after one that it likes comes the mark reqack, then the core as a stream, then end
// of file.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace upcall::kernel {

enum CoreDumpMask : std::uint64_t {
  coredump_kernel = 1U << 0U,     // the kernel writes the core
  coredump_userspace = 1U << 1U,  // we make one ourselves
  coredump_reject = 1U << 2U,     // no core
  coredump_wait = 1U << 3U,       // keep the process until we close
};

// As the kernel sends it. It may grow: `size` bytes are on the wire, at least these 16.
struct CoreDumpRequest {
  std::uint32_t size{};
  std::uint32_t size_ack{};
  std::uint64_t mask{};
};
static_assert(sizeof(CoreDumpRequest) == 16);

struct CoreDumpAck {
  std::uint32_t size{16};
  std::uint32_t spare{0};
  std::uint64_t mask{};
};
static_assert(sizeof(CoreDumpAck) == 16);

// Four bytes on the wire, whatever the comment in the kernel's header says (measured on 6.18
// and 7.3).
enum class CoreDumpMark : std::uint32_t { reqack = 0, minsize, maxsize, unsupported, conflicting };

// Takes the request off a readable connection, all `size` bytes of it. EPROTO when it is none: then
// the peer is not the kernel, or core_pattern has one '@' only.
[[nodiscard]] Result<CoreDumpRequest> receive_request(int connection);

// Never blocks: the answer fits any socket buffer.
[[nodiscard]] Result<Ok> send_ack(int connection, std::uint64_t mask);

// Takes the mark off a readable connection. EPROTO when the kernel refused our answer.
[[nodiscard]] Result<Ok> receive_mark(int connection);

}  // namespace upcall::kernel
