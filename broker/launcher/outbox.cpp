// SPDX-License-Identifier: Apache-2.0
#include "launcher/outbox.h"

#include "wire/seqpacket.h"

namespace upcall::launcher {
namespace {

bool full(const Error& error) { return error.code == std::errc::resource_unavailable_try_again; }

}  // namespace

void Outbox::put(std::span<const std::byte> message) {
  if (waiting_.empty()) {
    const auto sent = wire::send_message(socket_, message);
    if (sent || !full(sent.error())) return;
  }
  waiting_.emplace_back(message.begin(), message.end());
}

void Outbox::flush() {
  while (!waiting_.empty()) {
    const auto sent = wire::send_message(socket_, waiting_.front());
    if (!sent && full(sent.error())) return;
    waiting_.pop_front();
  }
}

}  // namespace upcall::launcher
