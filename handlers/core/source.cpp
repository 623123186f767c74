// SPDX-License-Identifier: Apache-2.0
#include "core/source.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace upcall::core {
namespace {

// The kernel sends pages one by one, so bigger reads only wait longer: 256 KiB measured best.
constexpr std::size_t kReadSize = 256 << 10;

}  // namespace

std::size_t StreamSource::fill(std::span<std::byte> buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const ssize_t n =
        ::read(stream_, buffer.data() + filled, std::min(buffer.size() - filled, kReadSize));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) failure_ = from_errno("read the core from descriptor 0");
    if (n <= 0) break;
    filled += static_cast<std::size_t>(n);
  }
  return filled;
}

// It takes a shutdown(), since the broker holds the stream as well.
void StreamSource::let_go() {
  if (!keeps_) (void)::shutdown(stream_, SHUT_RDWR);
}

}  // namespace upcall::core
