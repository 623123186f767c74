// SPDX-License-Identifier: Apache-2.0
// The one door to Asio: the subset of Boost 1.74 that we use, and the one way to start a loop.
// Rules for coroutines (gcc 12 destroys some operands of co_await twice): they only wait, read and
// hand over; operands of co_await are names, never braced temporaries or capturing lambdas.
// tests/lint checks it.
#pragma once

// First of all: Boost 1.74's awaitable.hpp lacks it under gcc 12 (chriskohlhoff/asio #944).
#include <utility>
//
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <memory>

namespace upcall {

namespace asio = boost::asio;

// A loop must not end by an exception of its own: it leaves run() and ends the process, where the
// service manager restarts us. (asio::detached would drop it.)
inline void start_loop(asio::io_context& io, asio::awaitable<void> loop) {
  asio::co_spawn(io, std::move(loop), [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  });
}

// Waits until there is something to read, room to write, or the peer has closed; false when the
// time was up first.
inline asio::awaitable<bool> ready(asio::posix::stream_descriptor* descriptor,
                                   asio::posix::descriptor_base::wait_type what,
                                   std::chrono::steady_clock::duration limit) {
  // Shared with the timer's handler, which may be queued already when we have what we wanted.
  struct State {
    bool done{false};
    bool expired{false};
  };
  const auto state = std::make_shared<State>();
  asio::steady_timer timer{descriptor->get_executor(), limit};
  timer.async_wait([descriptor, state](const boost::system::error_code& ec) {
    if (ec || state->done) return;
    state->expired = true;
    descriptor->cancel();
  });
  boost::system::error_code ec;
  co_await descriptor->async_wait(what, asio::redirect_error(asio::use_awaitable, ec));
  state->done = true;
  co_return !state->expired && !ec;
}

inline asio::awaitable<bool> readable(asio::posix::stream_descriptor* descriptor,
                                      std::chrono::steady_clock::duration limit) {
  return ready(descriptor, asio::posix::descriptor_base::wait_read, limit);
}

inline asio::awaitable<bool> writable(asio::posix::stream_descriptor* descriptor,
                                      std::chrono::steady_clock::duration limit) {
  return ready(descriptor, asio::posix::descriptor_base::wait_write, limit);
}

}  // namespace upcall
