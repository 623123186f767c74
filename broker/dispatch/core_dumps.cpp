// SPDX-License-Identifier: Apache-2.0
#include "dispatch/core_dumps.h"

namespace upcall::dispatch {

void CoreDumps::take(sources::CoreDumpArrival arrival) {
  tally_.begin();
  start_loop(services_.io, serve(std::move(arrival)));
}

asio::awaitable<void> CoreDumps::serve(sources::CoreDumpArrival arrival) {
  auto outcome = Outcome::lost;
  const auto arrived = arrival.arrived;
  const auto id = services_.next_id();
  {
    CoreDumpCase dump{services_, setup_, id, std::move(arrival)};
    outcome = co_await dump.handle();
  }
  tally_.end(id, outcome, arrived);
}

}  // namespace upcall::dispatch
