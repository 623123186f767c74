// SPDX-License-Identifier: Apache-2.0
#include "sources/shim_socket.h"

#include <sys/socket.h>

#include "base/limits.h"
#include "kernel/pidfd.h"
#include "wire/seqpacket.h"

namespace upcall::sources {
namespace {

using boost::system::error_code;

std::optional<event::Dumpable> to_dumpable(std::int32_t value) {
  if (value < 0) return {};
  return value == 1 ? event::Dumpable::user : event::Dumpable::root;
}

// The kernel waits with the process until the shim ends, so its pid cannot have been reused.
Result<CoreDumpArrival> to_arrival(const wire::ShimCoreDump& message, wire::Received received) {
  if (received.size != sizeof message || message.version != wire::kShimVersion ||
      message.kind != wire::ShimKind::core_dump || received.fd_count == 0 || message.pid <= 0) {
    return from_errno("understand a message on the shim socket", EBADMSG);
  }
  CoreDumpArrival arrival{.stream = std::move(received.fds[0]),
                          .pidfd = std::move(received.fds[1]),
                          .opening = Opening::core_flows,
                          .pid = message.pid,
                          .dumpable = to_dumpable(message.dumpable),
                          .time = std::chrono::system_clock::now(),
                          .arrived = std::chrono::steady_clock::now()};
  if (message.tid > 0) arrival.tid = message.tid;
  if (message.signal > 0) arrival.signal = message.signal;
  if (!arrival.pidfd) {
    auto pidfd = kernel::open_pidfd(message.pid);
    if (!pidfd) return pidfd.error();
    arrival.pidfd = *std::move(pidfd);
  }
  return arrival;
}

Result<CoreDumpArrival> receive(int connection) {
  wire::ShimCoreDump message;
  auto received = wire::receive_message(connection, std::as_writable_bytes(std::span{&message, 1}));
  if (!received) return received.error();
  return to_arrival(message, *std::move(received));
}

}  // namespace

ShimSocket::ShimSocket(asio::io_context& io, UniqueFd listener, Semaphore& active,
                       CoreDumpSink sink, LossSink lost)
    : io_{io},
      listener_{io, listener.release()},
      active_{active},
      sink_{std::move(sink)},
      lost_{std::move(lost)} {
  listener_.non_blocking(true);
}

void ShimSocket::drain(std::function<void()> drained) {
  on_drained_ = std::move(drained);
  listener_.cancel();
}

asio::awaitable<void> ShimSocket::run() {
  for (;;) {
    auto permit = co_await active_.acquire();
    UniqueFd connection{
        ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (connection) {
      start_loop(io_, hear(std::move(connection), std::move(permit)));
      continue;
    }
    if (errno != EAGAIN) {
      lost_(describe(from_errno("accept a shim's connection")));
      continue;
    }
    if (on_drained_) break;
    error_code ec;
    co_await listener_.async_wait(asio::posix::descriptor_base::wait_read,
                                  asio::redirect_error(asio::use_awaitable, ec));
    if (ec && ec != asio::error::operation_aborted) {
      throw boost::system::system_error{ec, "shim socket"};
    }
  }
  ended_ = true;
  on_drained_();
}

asio::awaitable<void> ShimSocket::hear(UniqueFd connection, Semaphore::Permit permit) {
  asio::posix::stream_descriptor socket{io_, connection.release()};
  if (!co_await readable(&socket, limits::kPeerSpeaks)) {
    lost_("a shim connected and said nothing");
    co_return;
  }
  auto arrival = receive(socket.native_handle());
  if (!arrival) {
    lost_(describe(arrival.error()));
    co_return;
  }
  arrival->permit = std::move(permit);
  sink_(*std::move(arrival));
}

}  // namespace upcall::sources
