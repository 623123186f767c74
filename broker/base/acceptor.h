// SPDX-License-Identifier: Apache-2.0
// A listening socket, and the one loop that accepts what connects to it.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <utility>

#include "base/asio.h"
#include "base/result.h"
#include "base/semaphore.h"
#include "base/unique_fd.h"

namespace upcall {

class Acceptor {
 public:
  using Taken = std::function<void(UniqueFd connection, Semaphore::Permit place)>;
  using Failed = std::function<void(const Error&)>;

  // Takes no more connections than there are `places`; the others wait in the backlog. `flags` of
  // accept4(2): 0 or SOCK_NONBLOCK.
  Acceptor(asio::io_context& io, UniqueFd listener, Semaphore& places, int flags)
      : listener_{io, listener.release()}, pause_{io}, places_{places}, flags_{flags} {
    listener_.non_blocking(true);
  }

  // Until drain(). Who is told must outlive it.
  [[nodiscard]] asio::awaitable<void> run(Taken taken, Failed failed) {
    for (;;) {
      auto place = co_await places_.acquire();
      UniqueFd connection{
          ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | flags_)};
      if (connection) {
        taken(std::move(connection), std::move(place));
      } else if (errno == EAGAIN) {
        if (on_drained_) break;
        co_await come();
      } else {
        failed(from_errno("accept a connection"));
        // Too many descriptors, say: others must come to their ends before it is better.
        co_await pause();
      }
    }
    ended_ = true;
    on_drained_();
  }

  // Takes what waits in the backlog and then ends; `drained` is told.
  void drain(std::function<void()> drained) {
    on_drained_ = std::move(drained);
    listener_.cancel();
  }
  [[nodiscard]] bool drained() const { return ended_; }

 private:
  [[nodiscard]] asio::awaitable<void> come() {
    boost::system::error_code ec;
    co_await listener_.async_wait(asio::posix::descriptor_base::wait_read,
                                  asio::redirect_error(asio::use_awaitable, ec));
    if (ec && ec != asio::error::operation_aborted)
      throw boost::system::system_error{ec, "wait for connections"};
  }

  [[nodiscard]] asio::awaitable<void> pause() {
    boost::system::error_code ec;
    pause_.expires_after(std::chrono::milliseconds{100});
    co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }

  asio::posix::stream_descriptor listener_;
  asio::steady_timer pause_;
  Semaphore& places_;
  int flags_;
  std::function<void()> on_drained_;
  bool ended_{false};
};

}  // namespace upcall
