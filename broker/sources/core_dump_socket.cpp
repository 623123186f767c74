// SPDX-License-Identifier: Apache-2.0
#include "sources/core_dump_socket.h"

#include <sys/socket.h>

#include "kernel/peer.h"
#include "kernel/pidfd.h"

namespace upcall::sources {
namespace {

using boost::system::error_code;

}  // namespace

CoreDumpSocket::CoreDumpSocket(asio::io_context& io, UniqueFd listener, Semaphore& active,
                               CoreDumpSink sink, LossSink lost)
    : listener_{io, listener.release()},
      active_{active},
      sink_{std::move(sink)},
      lost_{std::move(lost)} {
  listener_.non_blocking(true);
}

void CoreDumpSocket::drain(std::function<void()> drained) {
  on_drained_ = std::move(drained);
  listener_.cancel();
}

asio::awaitable<void> CoreDumpSocket::run() {
  for (;;) {
    auto permit = co_await active_.acquire();
    auto arrival = accept_one();
    if (arrival) {
      arrival->permit = std::move(permit);
      sink_(*std::move(arrival));
      continue;
    }
    if (arrival.error().code != std::errc::resource_unavailable_try_again) {
      lost_(describe(arrival.error()));
      continue;
    }
    if (on_drained_) break;
    error_code ec;
    co_await listener_.async_wait(asio::posix::descriptor_base::wait_read,
                                  asio::redirect_error(asio::use_awaitable, ec));
    if (ec && ec != asio::error::operation_aborted) {
      throw boost::system::system_error{ec, "core dump socket"};
    }
  }
  ended_ = true;
  on_drained_();
}

// Blocking, since the connection becomes a handler's standard input; our own reads say
// MSG_DONTWAIT.
Result<CoreDumpArrival> CoreDumpSocket::accept_one() {
  UniqueFd stream{::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC)};
  if (!stream) return from_errno("accept a core dump connection");
  const auto arrived = std::chrono::steady_clock::now();
  auto peer = kernel::query_peer(stream.get());
  if (!peer) return peer.error();
  const auto facts = kernel::query_pidfd(peer->pidfd.get());
  if (!facts) return facts.error();
  if (facts->dumped == false) {
    return from_errno("believe process " + std::to_string(peer->pid) +
                          ", which connected to the core dump socket without dumping core",
                      EPERM);
  }
  CoreDumpArrival arrival{.opening = Opening::kernel_asks,
                          .pid = peer->pid,
                          .time = std::chrono::system_clock::now(),
                          .arrived = arrived};
  if (facts->dumpable) {
    arrival.dumpable = *facts->dumpable == 1 ? event::Dumpable::user : event::Dumpable::root;
  }
  arrival.stream = std::move(stream);
  arrival.pidfd = std::move(peer->pidfd);
  return arrival;
}

}  // namespace upcall::sources
