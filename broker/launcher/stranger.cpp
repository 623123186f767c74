// SPDX-License-Identifier: Apache-2.0
#include "launcher/stranger.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace upcall::launcher {

uid_t choose_stranger() noexcept {
  // The upper half of all numbers is nobody's (user_namespaces(7), systemd's UIDS-GIDS), and the
  // last one means none.
  constexpr std::uint32_t kUpperHalf = 0x80000000U;
  std::uint32_t chosen = 0;
  // Should it fail, there still is a number.
  static_cast<void>(::syscall(SYS_getrandom, &chosen, sizeof chosen, 0));
  return (chosen | kUpperHalf) & ~1U;
}

}  // namespace upcall::launcher
