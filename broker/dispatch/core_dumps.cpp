// SPDX-License-Identifier: Apache-2.0
#include "dispatch/core_dumps.h"

#include "base/log.h"
#include "dispatch/report.h"

namespace upcall::dispatch {

void CoreDumps::take(sources::CoreDumpArrival arrival) {
  ++counters_.arrived;
  ++active_;
  start_loop(services_.io, serve(std::move(arrival)));
}

asio::awaitable<void> CoreDumps::serve(sources::CoreDumpArrival arrival) {
  {
    CoreDumpCase dump{services_, event::EventId{next_id_++}, std::move(arrival)};
    const auto outcome = co_await dump.handle();
    account(dump, outcome);
  }
  if (--active_ == 0 && on_idle_) on_idle_();
}

void CoreDumps::account(const CoreDumpCase& dump, Outcome outcome) {
  ++counters_.outcomes.at(static_cast<std::size_t>(outcome));
  if (outcome != Outcome::self_test) {
    log::info(outcome_line(dump.id(), name_of(outcome),
                           std::chrono::steady_clock::now() - dump.arrived()));
  }
}

}  // namespace upcall::dispatch
