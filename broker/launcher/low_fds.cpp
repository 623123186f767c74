// SPDX-License-Identifier: Apache-2.0
#include "launcher/low_fds.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace upcall::launcher {
namespace {

Result<Ok> close_between(int first, int last) {
  if (first > last) return Ok{};
  if (::close_range(static_cast<unsigned>(first), static_cast<unsigned>(last), 0) == 0) return Ok{};
  return from_errno("close inherited descriptors");
}

Result<Ok> close_all_but(std::vector<int> kept) {
  std::ranges::sort(kept);
  int first = kFirstFreeFd;
  for (const int fd : kept) {
    if (const auto closed = close_between(first, fd - 1); !closed) return closed;
    first = fd + 1;
  }
  return close_between(first, std::numeric_limits<int>::max());
}

}  // namespace

Result<Ok> clear_low_fds(std::span<UniqueFd*> fds) {
  std::vector<int> kept;
  for (UniqueFd* fd : fds) {
    UniqueFd moved{::fcntl(fd->get(), F_DUPFD_CLOEXEC, kFirstFreeFd)};
    if (!moved) return from_errno("use an inherited descriptor");
    *fd = std::move(moved);
    kept.push_back(fd->get());
  }
  if (const auto closed = close_all_but(std::move(kept)); !closed) return closed;
  UniqueFd opened{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  const UniqueFd null{::fcntl(opened.get(), F_DUPFD_CLOEXEC, kFirstFreeFd)};
  if (!null) return from_errno("open '/dev/null'");
  const bool has_stderr = ::fcntl(STDERR_FILENO, F_GETFD) >= 0;
  for (int fd = 0; fd < kFirstFreeFd; ++fd) {
    if (fd == opened.get() || (fd == STDERR_FILENO && has_stderr)) continue;
    if (::dup3(null.get(), fd, O_CLOEXEC) < 0) return from_errno("take a low descriptor");
  }
  if (opened.get() < kFirstFreeFd) static_cast<void>(opened.release());  // it is one of them
  return Ok{};
}

}  // namespace upcall::launcher
