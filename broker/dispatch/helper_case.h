// SPDX-License-Identifier: Apache-2.0
// One request for a module or for another helper in the broker, from its arrival to the end of the
// stock helper, or of the handler in its place. Read handle() first: it is the story.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "dispatch/asker.h"
#include "dispatch/handler_run.h"
#include "dispatch/helper_requests.h"
#include "dispatch/services.h"
#include "dispatch/tally.h"
#include "event/event.h"
#include "policy/decide.h"
#include "sources/helper_arrival.h"
#include "wire/shim.h"

namespace upcall::dispatch {

class HelperCase {
 public:
  HelperCase(const Services& services, const HelperServices& helpers, event::EventId id,
             sources::HelperArrival arrival);

  // Whatever happens, the shim has its verdict, or notices that it gets none.
  [[nodiscard]] asio::awaitable<Outcome> handle();

 private:
  [[nodiscard]] bool is_own_helper() const;
  [[nodiscard]] bool is_release_agent() const;
  // Learns who asks. Without that the event says that it is unknown.
  [[nodiscard]] asio::awaitable<Result<Ok>> identify();
  [[nodiscard]] asio::awaitable<Result<launcher::Captured>> capture(bool hold);
  [[nodiscard]] asio::awaitable<Result<Ok>> learn(launcher::Captured captured);
  void note(event::Asker asker, bool waits);
  // Of a release agent, which a thread of the kernel's has started: the container that the cgroup
  // was.
  [[nodiscard]] asio::awaitable<void> learn_cgroup(const event::HelperRequest& request);
  [[nodiscard]] bool is_about_module() const {
    return std::holds_alternative<event::ModuleRequest>(event_.detail);
  }
  // False where the asker, or all together, have as many under way as they may.
  [[nodiscard]] asio::awaitable<bool> take_place();
  [[nodiscard]] asio::awaitable<Outcome> decide_and_act();
  [[nodiscard]] asio::awaitable<Outcome> ask_handlers();
  [[nodiscard]] asio::awaitable<bool> hold_asker();
  void set_deadline();
  // What the handler says by its exit status; nothing where it came to no end of its own.
  [[nodiscard]] asio::awaitable<std::optional<int>> ask(std::uint32_t row);
  [[nodiscard]] asio::awaitable<Outcome> grant(wire::HelperVerdict verdict, Outcome outcome);
  // `outcome`, or that nobody hears the verdict any more.
  [[nodiscard]] Outcome tell(wire::HelperVerdict verdict, Outcome outcome);
  [[nodiscard]] Outcome deny(Outcome outcome);
  [[nodiscard]] Outcome finish(int status);
  [[nodiscard]] Result<Ok> answer(wire::HelperVerdict verdict, int status = 0) const;
  void complain(const Error& error) const;

  const Services& services_;
  const HelperServices& helpers_;
  sources::HelperArrival arrival_;
  std::optional<AskerTask> asker_;
  UniqueFd pidfd_;  // the asker's
  Semaphore::Permit unawaited_;
  Semaphore::Permit share_;
  Semaphore::Permit place_;
  Semaphore::Permit running_;
  std::optional<std::uint32_t> capture_;
  std::chrono::steady_clock::time_point deadline_;  // of its handlers together
  event::Asker asker_class_{event::Asker::unknown};
  event::Event event_;
  policy::Decision decision_;
};

}  // namespace upcall::dispatch
