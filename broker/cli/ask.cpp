// SPDX-License-Identifier: Apache-2.0
#include "cli/ask.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <vector>

#include "base/unique_fd.h"
#include "wire/seqpacket.h"

namespace upcall::cli {
namespace {

// The broker answers in milliseconds; this is for a machine that is on its knees.
constexpr timeval kPatience{.tv_sec = 30, .tv_usec = 0};

constexpr timeval kForEver{};

Result<UniqueFd> connect_to(const std::string& path, const timeval& patience) {
  UniqueFd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  if (!socket) return from_errno("make a socket");
  sockaddr_un address{.sun_family = AF_UNIX};
  if (path.size() >= sizeof address.sun_path) {
    return from_errno("connect to '" + path + "'", ENAMETOOLONG);
  }
  path.copy(address.sun_path, path.size());
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return from_errno("connect to '" + path +
                      "' (is upcalld running, with that --runtime-directory, and are you root?)");
  }
  return socket;
}

Result<UniqueFd> request(const std::string& socket, wire::ControlType what,
                         std::span<const int> fds, const timeval& patience) {
  auto connection = connect_to(socket, patience);
  if (!connection) return connection;
  const wire::ControlRequest message{.type = what};
  const auto sent = wire::send_message(connection->get(), wire::bytes_of(message), fds);
  if (!sent) return sent.error();
  return connection;
}

}  // namespace

Result<std::string> ask(const std::string& socket, wire::ControlType what,
                        std::span<const int> fds) {
  const auto connection = request(socket, what, fds, kPatience);
  if (!connection) return connection.error();
  std::string document;
  std::vector<std::byte> chunk(wire::kControlChunk);
  for (;;) {
    const auto received = wire::receive_message(connection->get(), chunk);
    if (!received) return received.error();
    if (received->size == 0) break;
    document.append(reinterpret_cast<const char*>(chunk.data()), received->size);
  }
  if (document.empty()) return from_errno("have upcalld answer (its log says why)", EPROTO);
  return document;
}

Result<Ok> follow(const std::string& socket, wire::ControlType what,
                  const std::function<bool(const std::string&)>& take) {
  const auto connection = request(socket, what, {}, kForEver);
  if (!connection) return connection.error();
  std::vector<std::byte> document(wire::kMonitorDocument);
  for (;;) {
    const auto received = wire::receive_message(connection->get(), document);
    if (!received) return received.error();
    if (received->size == 0) return from_errno("hear more: upcalld has ended", EPIPE);
    if (!take({reinterpret_cast<const char*>(document.data()), received->size})) return Ok{};
  }
}

}  // namespace upcall::cli
