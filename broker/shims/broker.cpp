// SPDX-License-Identifier: Apache-2.0
#include "shims/broker.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "shims/system_call.h"

namespace upcall::shim {

void limit_sending(int socket, long seconds) {
  const timeval patience{.tv_sec = seconds, .tv_usec = 0};
  system_call(SYS_setsockopt, socket, SOL_SOCKET, SO_SNDTIMEO, address_of(&patience),
              sizeof patience);
}

long connect_to_broker(const char* path, long seconds) {
  sockaddr_un address{.sun_family = AF_UNIX};
  const std::size_t length = std::strlen(path);
  if (length >= sizeof address.sun_path) return -ENAMETOOLONG;
  std::memcpy(address.sun_path, path, length);
  const long fd = system_call(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC);
  if (fd < 0) return fd;
  limit_sending(static_cast<int>(fd), seconds);
  const long failure = system_call(SYS_connect, fd, address_of(&address), sizeof address);
  return failure < 0 ? failure : fd;
}

}  // namespace upcall::shim
