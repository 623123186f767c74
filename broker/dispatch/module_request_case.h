// SPDX-License-Identifier: Apache-2.0
// One request for a module in the broker, from its arrival to the end of the helper that loads it.
// Read handle() first: it is the story.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dispatch/asker.h"
#include "dispatch/handler_run.h"
#include "dispatch/module_requests.h"
#include "dispatch/services.h"
#include "dispatch/tally.h"
#include "event/event.h"
#include "policy/decide.h"
#include "sources/module_request_arrival.h"
#include "wire/shim.h"

namespace upcall::dispatch {

class ModuleRequestCase {
 public:
  ModuleRequestCase(const Services& services, const ModuleServices& modules, event::EventId id,
                    sources::ModuleRequestArrival arrival);

  // Whatever happens, the shim has its verdict, or notices that it gets none.
  [[nodiscard]] asio::awaitable<Outcome> handle();

 private:
  // Learns who asks. Without that the event says that it is unknown.
  [[nodiscard]] asio::awaitable<Result<Ok>> identify();
  [[nodiscard]] asio::awaitable<Result<launcher::Captured>> capture(bool hold);
  [[nodiscard]] asio::awaitable<Result<Ok>> learn(launcher::Captured captured);
  [[nodiscard]] event::ModuleRequest& request() {
    return std::get<event::ModuleRequest>(event_.detail);
  }
  // False where the asker, or all together, have as many under way as they may.
  [[nodiscard]] asio::awaitable<bool> take_place();
  [[nodiscard]] asio::awaitable<Outcome> decide_and_act();
  [[nodiscard]] asio::awaitable<Outcome> ask_handlers();
  [[nodiscard]] asio::awaitable<bool> hold_asker();
  // Whether the handler says yes.
  [[nodiscard]] asio::awaitable<bool> ask(std::uint32_t row);
  [[nodiscard]] asio::awaitable<Outcome> grant(wire::ModuleVerdict verdict, Outcome outcome);
  [[nodiscard]] Outcome deny(Outcome outcome);
  [[nodiscard]] Result<Ok> answer(wire::ModuleVerdict verdict);
  void complain(const Error& error) const;

  const Services& services_;
  const ModuleServices& modules_;
  sources::ModuleRequestArrival arrival_;
  std::optional<AskerTask> asker_;
  UniqueFd pidfd_;  // the asker's
  Semaphore::Permit unawaited_;
  Semaphore::Permit share_;
  Semaphore::Permit place_;
  Semaphore::Permit running_;
  std::optional<std::uint32_t> capture_;
  event::Event event_;
  policy::Decision decision_;
};

}  // namespace upcall::dispatch
