// SPDX-License-Identifier: Apache-2.0
#include "control/control_socket.h"

#include <sys/socket.h>

#include "base/limits.h"
#include "base/log.h"
#include "wire/seqpacket.h"

namespace upcall::control {
namespace {

asio::awaitable<void> send(asio::posix::stream_descriptor& client, const std::string& document) {
  auto rest = std::as_bytes(std::span{document});
  while (!rest.empty()) {
    const auto chunk = rest.first(std::min(rest.size(), wire::kControlChunk));
    const auto sent = wire::send_message(client.native_handle(), chunk);
    if (sent) {
      rest = rest.subspan(chunk.size());
    } else if (sent.error().code != std::errc::resource_unavailable_try_again ||
               !co_await writable(&client, limits::kPeerSpeaks)) {
      co_return;
    }
  }
}

}  // namespace

ControlSocket::ControlSocket(asio::io_context& io, UniqueFd listener, Answers answers,
                             Monitors& monitors)
    : io_{io},
      active_{io, limits::kControlClients},
      acceptor_{io, std::move(listener), active_, SOCK_NONBLOCK},
      answers_{answers},
      monitors_{monitors} {}

asio::awaitable<void> ControlSocket::run() {
  return acceptor_.run(
      [this](UniqueFd connection, Semaphore::Permit permit) {
        start_loop(io_, serve(std::move(connection), std::move(permit)));
      },
      [](const Error& error) { log::warning("upcallctl: " + describe(error)); });
}

asio::awaitable<void> ControlSocket::serve(UniqueFd connection, Semaphore::Permit /*held*/) {
  asio::posix::stream_descriptor client{io_, connection.release()};
  if (!co_await readable(&client, limits::kPeerSpeaks)) co_return;
  wire::ControlRequest request;
  auto received =
      wire::receive_message(client.native_handle(), std::as_writable_bytes(std::span{&request, 1}));
  if (!received || received->size != sizeof request) co_return;
  if (request.version == wire::kControlVersion && request.type == wire::ControlType::monitor) {
    if (!monitors_.full()) co_return co_await monitors_.serve(std::move(client));
    co_return co_await send(client, error_document("as many as can watch do so already"));
  }
  const auto document = co_await answers_.answer(request, *std::move(received));
  co_await send(client, document);
}

}  // namespace upcall::control
