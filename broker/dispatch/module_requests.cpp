// SPDX-License-Identifier: Apache-2.0
#include "dispatch/module_requests.h"

#include "dispatch/module_request_case.h"

namespace upcall::dispatch {

void ModuleRequests::take(sources::ModuleRequestArrival arrival) {
  tally_.begin();
  start_loop(services_.io, serve(std::move(arrival)));
}

asio::awaitable<void> ModuleRequests::serve(sources::ModuleRequestArrival arrival) {
  auto outcome = Outcome::lost;
  const auto arrived = arrival.arrived;
  const auto id = services_.next_id();
  {
    ModuleRequestCase request{services_, modules_, id, std::move(arrival)};
    outcome = co_await request.handle();
  }
  tally_.end(id, outcome, arrived);
}

}  // namespace upcall::dispatch
