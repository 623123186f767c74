// SPDX-License-Identifier: Apache-2.0
#include "core/sink.h"

#include <unistd.h>

namespace upcall::core {

Result<Stored> write_at(int fd, std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) return Stored::no_room;
    if (n <= 0) return from_errno("write the core", n == 0 ? EIO : errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return Stored::yes;
}

}  // namespace upcall::core
