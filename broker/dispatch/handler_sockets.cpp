// SPDX-License-Identifier: Apache-2.0
#include "dispatch/handler_sockets.h"

#include <sys/socket.h>

#include <array>

namespace upcall::dispatch {

Result<SocketPair> make_socket_pair() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) {
    return from_errno("make a socket pair for a handler");
  }
  return SocketPair{.ours = UniqueFd{fds[0]}, .theirs = UniqueFd{fds[1]}};
}

Result<UniqueFd> socket_holding(std::string_view text) {
  auto pair = make_socket_pair();
  if (!pair) return pair.error();
  const auto size = static_cast<ssize_t>(text.size());
  if (size > 0 &&
      ::send(pair->ours.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) != size) {
    return from_errno("describe the event to its handler");
  }
  return std::move(pair->theirs);
}

Result<HandlerSockets> make_handler_sockets(std::string_view document) {
  auto event = socket_holding(document);
  if (!event) return event.error();
  auto output = make_socket_pair();
  if (!output) return output.error();
  return HandlerSockets{.event = *std::move(event),
                        .output = std::move(output->theirs),
                        .output_ours = std::move(output->ours)};
}

}  // namespace upcall::dispatch
