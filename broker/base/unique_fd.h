// SPDX-License-Identifier: Apache-2.0
// Sole owner of one file descriptor. Borrowers take a plain `int`.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace upcall {

class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_{fd} {}
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  UniqueFd(UniqueFd&& other) noexcept : fd_{other.release()} {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    UniqueFd taken{std::move(other)};  // by way of a third, so self-move keeps the descriptor
    std::swap(fd_, taken.fd_);
    return *this;
  }
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }

  void reset() noexcept {
    if (fd_ < 0) return;
    const int caller_errno = errno;
    // Linux has released the number even when close() reports EINTR, so a retry could close
    // another owner's file. EBADF means that two owners exist: stop before it harms a third.
    if (::close(std::exchange(fd_, -1)) != 0 && errno == EBADF) std::abort();
    errno = caller_errno;
  }

 private:
  int fd_{-1};
};

}  // namespace upcall
