// SPDX-License-Identifier: Apache-2.0
// Replies on their way to the broker. Sending never blocks: what the socket does not take waits
// here, and no request is read meanwhile, so that what waits is bounded by what was asked.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::launcher {

class Outbox {
 public:
  explicit Outbox(int socket) : socket_{socket} {}

  // The broker being gone is no error here: its socket says so to whoever reads it.
  void put(std::span<const std::byte> message, std::vector<UniqueFd> fds = {});
  // Sends what waits, as far as the socket takes it.
  void flush();
  [[nodiscard]] bool empty() const { return waiting_.empty(); }

 private:
  struct Message {
    std::vector<std::byte> bytes;
    std::vector<UniqueFd> fds;
  };

  int socket_;
  std::deque<Message> waiting_;
};

}  // namespace upcall::launcher
