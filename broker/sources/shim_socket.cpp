// SPDX-License-Identifier: Apache-2.0
#include "sources/shim_socket.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/limits.h"
#include "base/text.h"
#include "kernel/peer.h"
#include "kernel/pidfd.h"
#include "wire/seqpacket.h"

namespace upcall::sources {
namespace {

std::optional<event::Dumpable> to_dumpable(std::int32_t value) {
  if (value < 0) return {};
  return value == 1 ? event::Dumpable::user : event::Dumpable::root;
}

// One message, whatever it is about: version and kind come first in each.
struct Message {
  struct Head {
    std::uint32_t version;
    wire::ShimKind kind;
  };
  // The longest is a request for a helper.
  std::array<std::byte, wire::kMaxHelperRequest> bytes{};
  wire::Received received;

  template <class T>
  [[nodiscard]] T as() const {
    T value{};
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
};

Error not_understood() { return from_errno("understand a message on the shim socket", EBADMSG); }

Result<Message> receive(int connection) {
  Message message;
  auto received = wire::receive_message(connection, message.bytes);
  if (!received) return received.error();
  message.received = *std::move(received);
  const bool whole = message.received.size >= sizeof(Message::Head) &&
                     message.as<Message::Head>().version == wire::kShimVersion;
  if (!whole) return not_understood();
  return message;
}

// The kernel waits with the process until the shim ends, so its pid cannot have been reused.
Result<CoreDumpArrival> to_core_dump(Message message) {
  auto& received = message.received;
  const auto call = message.as<wire::ShimCoreDump>();
  if (received.size != sizeof call || received.fd_count == 0 || call.pid <= 0)
    return not_understood();
  CoreDumpArrival arrival{.stream = std::move(received.fds[0]),
                          .pidfd = std::move(received.fds[1]),
                          .opening = Opening::core_flows,
                          .pid = call.pid,
                          .dumpable = to_dumpable(call.dumpable),
                          .time = std::chrono::system_clock::now(),
                          .arrived = std::chrono::steady_clock::now()};
  if (call.tid > 0) arrival.tid = call.tid;
  if (call.signal > 0) arrival.signal = call.signal;
  if (!arrival.pidfd) {
    auto pidfd = kernel::open_pidfd(call.pid);
    if (!pidfd) return pidfd.error();
    arrival.pidfd = *std::move(pidfd);
  }
  return arrival;
}

// While it is connected and waits, a shim is not gone, and its pid not another process's.
Result<UniqueFd> pidfd_of_peer(int connection) {
  auto peer = kernel::query_peer(connection);
  if (peer) return std::move(peer->pidfd);
  const auto pid = kernel::query_peer_pid(connection);
  if (!pid) return pid.error();
  return kernel::open_pidfd(*pid);
}

Result<KeyRequestArrival> to_key_request(const Message& message, int connection) {
  const auto call = message.as<wire::ShimKeyRequest>();
  if (message.received.size != sizeof call || call.key <= 0) return not_understood();
  auto shim = pidfd_of_peer(connection);
  if (!shim) return shim.error();
  return KeyRequestArrival{.shim = *std::move(shim),
                           .call = call,
                           .time = std::chrono::system_clock::now(),
                           .arrived = std::chrono::steady_clock::now()};
}

Result<event::Detail> read_module_request(const Message& message) {
  const auto call = message.as<wire::ShimModuleRequest>();
  const auto* const end = std::ranges::find(call.name, '\0');
  if (message.received.size != sizeof call || end == std::end(call.name)) return not_understood();
  return event::Detail{event::ModuleRequest{.alias = {std::begin(call.name), end}}};
}

Result<event::Detail> read_helper_request(const Message& message) {
  const auto call = message.as<wire::ShimHelperRequest>();
  if (message.received.size != sizeof call + call.texts_bytes) return not_understood();
  std::string_view texts{reinterpret_cast<const char*>(message.bytes.data()) + sizeof call,
                         call.texts_bytes};
  if (!texts.ends_with('\0')) return not_understood();
  event::HelperRequest request{.path = std::string{take_until(texts, '\0')},
                               .release_agent = call.release_agent == 1};
  while (!texts.empty()) request.arguments.emplace_back(take_until(texts, '\0'));
  if (request.arguments.size() > wire::kMaxHelperArguments) return not_understood();
  return event::Detail{std::move(request)};
}

Result<HelperArrival> to_helper(Result<event::Detail> asked, int connection) {
  if (!asked) return asked.error();
  auto shim = pidfd_of_peer(connection);
  if (!shim) return shim.error();
  const auto pid = kernel::query_peer_pid(connection);
  if (!pid) return pid.error();
  return HelperArrival{.shim = *std::move(shim),
                       .shim_pid = *pid,
                       .asked = *std::move(asked),
                       .time = std::chrono::system_clock::now(),
                       .arrived = std::chrono::steady_clock::now()};
}

}  // namespace

ShimSocket::ShimSocket(asio::io_context& io, UniqueFd listener, Semaphore& active, ShimSinks sinks,
                       LossSink lost)
    : io_{io},
      acceptor_{io, std::move(listener), active, SOCK_NONBLOCK},
      sinks_{std::move(sinks)},
      lost_{std::move(lost)} {}

asio::awaitable<void> ShimSocket::run() {
  return acceptor_.run(
      [this](UniqueFd connection, Semaphore::Permit permit) {
        start_loop(io_, hear(std::move(connection), std::move(permit)));
      },
      [this](const Error& error) { lost_(describe(error)); });
}

asio::awaitable<void> ShimSocket::hear(UniqueFd connection, Semaphore::Permit permit) {
  {
    asio::posix::stream_descriptor socket{io_, connection.get()};
    const bool spoke = co_await readable(&socket, limits::kPeerSpeaks);
    (void)socket.release();
    if (!spoke) {
      lost_("a shim connected and said nothing");
      co_return;
    }
  }
  const auto taken = take(std::move(connection), std::move(permit));
  if (!taken) lost_(describe(taken.error()));
}

Result<Ok> ShimSocket::take(UniqueFd connection, Semaphore::Permit permit) {
  auto message = receive(connection.get());
  if (!message) return message.error();
  switch (message->as<Message::Head>().kind) {
    case wire::ShimKind::core_dump: {
      if (!sinks_.core_dumps) break;
      auto arrival = to_core_dump(*std::move(message));
      if (!arrival) return arrival.error();
      arrival->permit = std::move(permit);
      sinks_.core_dumps(*std::move(arrival));
      return Ok{};
    }
    case wire::ShimKind::key_request: {
      if (!sinks_.key_requests) break;
      auto arrival = to_key_request(*message, connection.get());
      if (!arrival) return arrival.error();
      arrival->connection = std::move(connection);
      arrival->permit = std::move(permit);
      sinks_.key_requests(*std::move(arrival));
      return Ok{};
    }
    case wire::ShimKind::module_request:
      return take_helper(read_module_request(*message), std::move(connection), std::move(permit));
    case wire::ShimKind::helper_request:
      return take_helper(read_helper_request(*message), std::move(connection), std::move(permit));
  }
  return not_understood();
}

Result<Ok> ShimSocket::take_helper(Result<event::Detail> asked, UniqueFd connection,
                                   Semaphore::Permit permit) const {
  if (!sinks_.helpers) return not_understood();
  auto arrival = to_helper(std::move(asked), connection.get());
  if (!arrival) return arrival.error();
  arrival->connection = std::move(connection);
  arrival->permit = std::move(permit);
  sinks_.helpers(*std::move(arrival));
  return Ok{};
}

}  // namespace upcall::sources
