// SPDX-License-Identifier: Apache-2.0
#include "control/monitors.h"

#include <algorithm>

#include "control/documents.h"
#include "wire/seqpacket.h"

namespace upcall::control {
namespace {

using boost::system::error_code;

bool send(asio::posix::stream_descriptor& socket, const std::string& document) {
  const auto bytes = std::as_bytes(std::span{document});
  return static_cast<bool>(wire::send_message(socket.native_handle(), bytes));
}

}  // namespace

asio::awaitable<void> Monitors::serve(asio::posix::stream_descriptor socket) {
  const auto client = std::make_shared<Client>(Client{.socket = std::move(socket)});
  clients_.push_back(client);
  if (clients_.size() == 1) {
    uevents_.watch(dispatch::Uevents::Watch{
        .event = [this](const auto& event, const auto* rule,
                        const auto* owner) { tell_all(uevent_document(event, rule, owner)); },
        .dropped = [this](std::uint64_t count) { tell_all(lost_document(count, "kernel")); }});
    listen_(true);
  }
  error_code ec;
  co_await client->socket.async_wait(asio::posix::descriptor_base::wait_read,
                                     asio::redirect_error(asio::use_awaitable, ec));
  // It has nothing more to say: this is its end.
  client->gone = true;
  client->socket.cancel();
  std::erase(clients_, client);
  if (!clients_.empty()) co_return;
  uevents_.watch({});
  listen_(false);
}

void Monitors::tell_all(const std::string& document) {
  for (const auto& client : clients_) {
    if (client->lost == 0 && send(client->socket, document)) continue;
    if (client->lost++ == 0) start_loop(io_, catch_up(client));
  }
}

asio::awaitable<void> Monitors::catch_up(std::shared_ptr<Client> client) {
  error_code ec;
  while (client->lost > 0) {
    co_await client->socket.async_wait(asio::posix::descriptor_base::wait_write,
                                       asio::redirect_error(asio::use_awaitable, ec));
    if (ec || client->gone) co_return;
    if (send(client->socket, lost_document(client->lost, "monitor"))) client->lost = 0;
  }
}

}  // namespace upcall::control
