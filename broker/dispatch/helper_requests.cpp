// SPDX-License-Identifier: Apache-2.0
#include "dispatch/helper_requests.h"

#include "dispatch/helper_case.h"

namespace upcall::dispatch {

void HelperRequests::take(sources::HelperArrival arrival) {
  tally_.begin();
  start_loop(services_.io, serve(std::move(arrival)));
}

asio::awaitable<void> HelperRequests::serve(sources::HelperArrival arrival) {
  auto outcome = Outcome::lost;
  const auto arrived = arrival.arrived;
  const auto id = services_.next_id();
  {
    HelperCase request{services_, helpers_, id, std::move(arrival)};
    outcome = co_await request.handle();
  }
  tally_.end(id, outcome, arrived);
}

}  // namespace upcall::dispatch
