// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of a local socket, in the kernel's words.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::kernel {

struct Peer {
  pid_t pid{};  // 0 when it is not visible from our PID namespace
  uid_t uid{};
  UniqueFd pidfd;  // of its thread group, even of one that is gone (Linux 6.16)
};

// SO_PEERCRED and SO_PEERPIDFD (Linux 6.5).
[[nodiscard]] Result<Peer> query_peer(int connection);
// Only the number, for kernels without SO_PEERPIDFD.
[[nodiscard]] Result<pid_t> query_peer_pid(int connection);

}  // namespace upcall::kernel
