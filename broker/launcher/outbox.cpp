// SPDX-License-Identifier: Apache-2.0
#include "launcher/outbox.h"

#include <algorithm>

#include "wire/seqpacket.h"

namespace upcall::launcher {
namespace {

bool full(const Error& error) { return error.code == std::errc::resource_unavailable_try_again; }

Result<Ok> send(int socket, std::span<const std::byte> bytes, const std::vector<UniqueFd>& fds) {
  std::vector<int> borrowed(fds.size());
  std::ranges::transform(fds, borrowed.begin(), &UniqueFd::get);
  return wire::send_message(socket, bytes, borrowed);
}

}  // namespace

void Outbox::put(std::span<const std::byte> message, std::vector<UniqueFd> fds) {
  if (waiting_.empty()) {
    const auto sent = send(socket_, message, fds);
    if (sent || !full(sent.error())) return;
  }
  waiting_.push_back({.bytes = {message.begin(), message.end()}, .fds = std::move(fds)});
}

void Outbox::flush() {
  while (!waiting_.empty()) {
    const auto sent = send(socket_, waiting_.front().bytes, waiting_.front().fds);
    if (!sent && full(sent.error())) return;
    waiting_.pop_front();
  }
}

}  // namespace upcall::launcher
