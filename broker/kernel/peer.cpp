// SPDX-License-Identifier: Apache-2.0
#include "kernel/peer.h"

#include <sys/socket.h>

namespace upcall::kernel {
namespace {

constexpr int kPeerPidfd = 77;  // SO_PEERPIDFD; until Debian 13's headers

Result<ucred> query_credentials(int connection) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return from_errno("ask for the credentials of a peer");
  }
  return credentials;
}

}  // namespace

Result<pid_t> query_peer_pid(int connection) {
  const auto credentials = query_credentials(connection);
  if (!credentials) return credentials.error();
  return credentials->pid;
}

Result<Peer> query_peer(int connection) {
  const auto credentials = query_credentials(connection);
  if (!credentials) return credentials.error();
  int pidfd = -1;
  socklen_t size = sizeof pidfd;
  if (::getsockopt(connection, SOL_SOCKET, kPeerPidfd, &pidfd, &size) != 0) {
    return from_errno("ask for the pidfd of a peer");
  }
  return Peer{.pid = credentials->pid, .uid = credentials->uid, .pidfd = UniqueFd{pidfd}};
}

}  // namespace upcall::kernel
