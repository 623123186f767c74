// SPDX-License-Identifier: Apache-2.0
// Those who watch uevents live (upcallctl monitor). Nobody waits for them: who reads too slowly
// loses some, and is told how many.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/asio.h"
#include "base/limits.h"
#include "dispatch/uevents.h"

namespace upcall::control {

class Monitors {
 public:
  // `listen(true)` when the first comes, `listen(false)` when the last has gone.
  Monitors(asio::io_context& io, dispatch::Uevents& uevents, std::function<void(bool)> listen)
      : io_{io}, uevents_{uevents}, listen_{std::move(listen)} {}

  [[nodiscard]] bool full() const { return clients_.size() >= limits::kMonitors; }
  // Until the client has gone.
  [[nodiscard]] asio::awaitable<void> serve(asio::posix::stream_descriptor socket);

 private:
  struct Client {
    asio::posix::stream_descriptor socket;
    std::uint64_t lost{};  // since something could last be sent
    bool gone{};
  };

  void tell_all(const std::string& document);
  // Says how many were lost as soon as there is room.
  [[nodiscard]] static asio::awaitable<void> catch_up(std::shared_ptr<Client> client);

  asio::io_context& io_;
  dispatch::Uevents& uevents_;
  std::function<void(bool)> listen_;
  std::vector<std::shared_ptr<Client>> clients_;
};

}  // namespace upcall::control
