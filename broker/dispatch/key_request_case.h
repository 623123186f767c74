// SPDX-License-Identifier: Apache-2.0
// One key request in the broker, from its arrival to its answer. Read handle() first: it is the
// story.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dispatch/handler_run.h"
#include "dispatch/key_conversation.h"
#include "dispatch/patience.h"
#include "dispatch/payload.h"
#include "dispatch/services.h"
#include "dispatch/tally.h"
#include "event/event.h"
#include "policy/decide.h"
#include "sources/key_request_arrival.h"

namespace upcall::dispatch {

class KeyRequestCase {
 public:
  KeyRequestCase(const Services& services, Semaphore& turns, event::EventId id,
                 sources::KeyRequestArrival arrival);

  // Afterwards the requester has its answer, whatever happened.
  [[nodiscard]] asio::awaitable<Outcome> handle();

 private:
  // Takes a place and the authority, and learns whose request it is.
  [[nodiscard]] asio::awaitable<Result<Ok>> identify();
  [[nodiscard]] asio::awaitable<Result<launcher::Captured>> capture();
  [[nodiscard]] Result<Ok> learn(launcher::Captured captured);
  // EBUSY where the origin has as many handlers running as it may have, for what waits here, waits
  // there; and where it has asked too often.
  [[nodiscard]] asio::awaitable<Result<Ok>> take_share();
  [[nodiscard]] asio::awaitable<Outcome> decide_and_act();
  [[nodiscard]] Outcome pass();
  // The handler first, and then the one that is asked where that fails.
  [[nodiscard]] asio::awaitable<Outcome> ask_handlers();
  // What it replied; nothing when it failed. Empty of a handler that answers by itself.
  [[nodiscard]] asio::awaitable<std::optional<std::string>> ask(std::uint32_t row);
  [[nodiscard]] Wait wait() const;
  [[nodiscard]] asio::awaitable<Outcome> answer(const policy::Handler& handler,
                                                const std::string& reply);
  [[nodiscard]] asio::awaitable<Outcome> refuse(policy::Negative negative, Outcome outcome);
  void complain(const Error& error) const;

  const Services& services_;
  Semaphore& turns_;
  sources::KeyRequestArrival arrival_;
  KeyConversation conversation_;
  Semaphore::Permit place_;
  Semaphore::Permit share_;
  Semaphore::Permit handling_;
  std::optional<std::uint32_t> capture_;
  event::Event event_;
  policy::Decision decision_;
  bool gave_authority_{false};  // a handler may have answered by itself
};

}  // namespace upcall::dispatch
