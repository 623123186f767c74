// SPDX-License-Identifier: Apache-2.0
// One run of one handler, the same for every kind of event: it is told the event, what it says goes
// to the log, and so does its end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "dispatch/describe.h"
#include "dispatch/drain.h"
#include "dispatch/output.h"
#include "dispatch/services.h"

namespace upcall::dispatch {

using Output = Drain<LineCollector>;

struct HandlerCall {
  event::EventId id{};
  const Briefing& briefing;
  std::uint32_t capture{};
  std::uint32_t row{};
  int input{-1};  // borrowed socket for descriptor 0; -1: one that ends at once
  int reply{-1};  // borrowed socket for descriptor 1; -1: lines for the log, as 2
};

class HandlerRun {
 public:
  // Borrows all of `call` until it returns.
  [[nodiscard]] static asio::awaitable<Result<HandlerRun>> start(const Services& services,
                                                                 const HandlerCall& call);
  // Waits for its end. Whether it succeeded.
  [[nodiscard]] asio::awaitable<bool> finish();
  // After that; nothing where it was killed, or never ran.
  [[nodiscard]] std::optional<int> exit_status() const { return exit_status_; }
  // Whether the handler ever ran, and so had its input.
  [[nodiscard]] bool was_executed() const { return process_->pid().has_value(); }
  [[nodiscard]] const std::shared_ptr<launcher::Run>& process() const { return process_; }

 private:
  HandlerRun(event::EventId id, const policy::Handler& handler,
             std::shared_ptr<launcher::Run> process, std::shared_ptr<Output> output)
      : id_{id}, handler_{&handler}, process_{std::move(process)}, output_{std::move(output)} {}

  event::EventId id_;
  const policy::Handler* handler_;  // the policy's, which outlives every run
  std::shared_ptr<launcher::Run> process_;
  std::shared_ptr<Output> output_;
  std::optional<int> exit_status_;
};

}  // namespace upcall::dispatch
