// SPDX-License-Identifier: Apache-2.0
#include "dispatch/key_conversation.h"

#include <chrono>
#include <cstring>
#include <vector>

#include "wire/seqpacket.h"

namespace upcall::dispatch {

using wire::KeyVerdict;

namespace {

// It carries out one system call first, on a machine that may be on its knees; its requester waits
// for as long in any case.
constexpr std::chrono::seconds kShimReports{20};

}  // namespace

asio::awaitable<Result<Ok>> KeyConversation::land(std::int32_t keyring) {
  if (auto sent = send({.verdict = KeyVerdict::land, .keyring = keyring}); !sent) co_return sent;
  co_return co_await hear_report("take over the authority over a key");
}

Result<Ok> KeyConversation::pass() { return send({.verdict = KeyVerdict::pass}); }

asio::awaitable<Result<Ok>> KeyConversation::reject(policy::Negative negative) {
  auto sent =
      send({.verdict = KeyVerdict::reject, .error = negative.error, .seconds = negative.seconds});
  if (!sent) co_return sent;
  co_return co_await hear_report("reject a key");
}

asio::awaitable<Result<Ok>> KeyConversation::instantiate(std::string_view payload,
                                                         std::uint32_t seconds) {
  auto sent = send({.verdict = KeyVerdict::instantiate, .seconds = seconds}, payload);
  if (!sent) co_return sent;
  co_return co_await hear_report("instantiate a key");
}

asio::awaitable<Result<Ok>> KeyConversation::end_answered(policy::Negative negative) {
  auto sent =
      send({.verdict = KeyVerdict::answered, .error = negative.error, .seconds = negative.seconds});
  if (!sent) co_return sent;
  co_return co_await hear_report("find a key answered by its handler");
}

// It is the only message under way to its end, so it finds room.
Result<Ok> KeyConversation::send(wire::KeyAnswer answer, std::string_view payload) {
  answer.payload_bytes = static_cast<std::uint32_t>(payload.size());
  std::vector<std::byte> datagram(sizeof answer + payload.size());
  std::memcpy(datagram.data(), &answer, sizeof answer);
  std::memcpy(datagram.data() + sizeof answer, payload.data(), payload.size());
  return wire::send_message(connection_.native_handle(), datagram);
}

asio::awaitable<Result<Ok>> KeyConversation::hear_report(const char* doing) {
  if (!co_await readable(&connection_, kShimReports)) co_return from_errno(doing, ETIMEDOUT);
  wire::KeyReport report;
  const auto received = wire::receive_message(connection_.native_handle(),
                                              std::as_writable_bytes(std::span{&report, 1}));
  if (!received) co_return received.error();
  if (received->size != sizeof report) co_return from_errno(doing, EPIPE);
  if (report.error != 0) co_return from_errno(doing, report.error);
  co_return Ok{};
}

}  // namespace upcall::dispatch
