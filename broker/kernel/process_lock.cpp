// SPDX-License-Identifier: Apache-2.0
#include "kernel/process_lock.h"

#include <fcntl.h>
#include <unistd.h>

namespace upcall::kernel {
namespace {

struct flock one_byte(std::uint32_t byte) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

}  // namespace

Result<std::optional<pid_t>> lock_holder(int file, std::uint32_t byte) {
  auto lock = one_byte(byte);
  if (::fcntl(file, F_GETLK, &lock) != 0) return from_errno("ask who has a lock");
  if (lock.l_type == F_UNLCK) return std::optional<pid_t>{};
  return std::optional{lock.l_pid};
}

Result<std::optional<pid_t>> take_lock(int file, std::uint32_t byte) {
  auto lock = one_byte(byte);
  if (::fcntl(file, F_SETLK, &lock) == 0) return std::optional<pid_t>{};
  if (errno != EAGAIN && errno != EACCES) return from_errno("take a lock");
  auto holder = lock_holder(file, byte);
  if (holder && !*holder) return std::optional<pid_t>{0};  // gone this moment, and still not ours
  return holder;
}

}  // namespace upcall::kernel
