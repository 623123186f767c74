// SPDX-License-Identifier: Apache-2.0
#include "sources/core_dump_socket.h"

#include <sys/socket.h>

#include "kernel/peer.h"
#include "kernel/pidfd.h"

namespace upcall::sources {
namespace {

Result<CoreDumpArrival> look_at(UniqueFd stream) {
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

}  // namespace

// Its connections are blocking, since they become a handler's standard input; our own reads say
// MSG_DONTWAIT.
CoreDumpSocket::CoreDumpSocket(asio::io_context& io, UniqueFd listener, Semaphore& active,
                               CoreDumpSink sink, LossSink lost)
    : acceptor_{io, std::move(listener), active, 0},
      sink_{std::move(sink)},
      lost_{std::move(lost)} {}

asio::awaitable<void> CoreDumpSocket::run() {
  return acceptor_.run(
      [this](UniqueFd stream, Semaphore::Permit permit) {
        take(std::move(stream), std::move(permit));
      },
      [this](const Error& error) { lost_(describe(error)); });
}

void CoreDumpSocket::take(UniqueFd stream, Semaphore::Permit permit) {
  auto arrival = look_at(std::move(stream));
  if (!arrival) return lost_(describe(arrival.error()));
  arrival->permit = std::move(permit);
  sink_(*std::move(arrival));
}

}  // namespace upcall::sources
