// SPDX-License-Identifier: Apache-2.0
// Reads what a handler writes, while it lives, into a Sink that bounds it: take(bytes), finish().
#pragma once

#include <sys/socket.h>

#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "base/asio.h"
#include "base/unique_fd.h"

namespace upcall::dispatch {

template <class Sink>
class Drain {
 public:
  // `socket` is our end of the handler's descriptor.
  Drain(asio::io_context& io, UniqueFd socket, Sink sink = {})
      : socket_{io, socket.release()}, sink_{std::move(sink)} {}

  // Shares ownership, since the handler's end need not be the loop's.
  [[nodiscard]] static asio::awaitable<void> run(std::shared_ptr<Drain> drain) {
    auto& socket = drain->socket_;
    boost::system::error_code ec;
    while (socket.is_open()) {
      co_await socket.async_wait(asio::posix::descriptor_base::wait_read,
                                 asio::redirect_error(asio::use_awaitable, ec));
      if (ec || !socket.is_open() || !drain->read()) co_return;
    }
  }

  // After the handler's end: what it left in the socket, then no more, even if a child of its still
  // holds it.
  const Sink& finish() {
    if (socket_.is_open()) {
      (void)read();
      socket_.close();
    }
    sink_.finish();
    return sink_;
  }

 private:
  // Per wake-up, so that one that writes without end does not keep the others from their turn.
  static constexpr int kBatch = 16;

  // False at end of file.
  bool read() {
    std::array<char, 4096> buffer{};
    for (int i = 0; i < kBatch; ++i) {
      const ssize_t n = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (n < 0) return errno == EAGAIN || errno == EINTR;
      if (n == 0) return false;
      sink_.take(std::string_view{buffer.data(), static_cast<std::size_t>(n)});
    }
    return true;
  }

  asio::posix::stream_descriptor socket_;
  Sink sink_;
};

}  // namespace upcall::dispatch
