// SPDX-License-Identifier: Apache-2.0
#include "dispatch/key_requests.h"

#include "dispatch/key_request_case.h"

namespace upcall::dispatch {

void KeyRequests::take(sources::KeyRequestArrival arrival) {
  tally_.begin();
  start_loop(services_.io, serve(std::move(arrival)));
}

asio::awaitable<void> KeyRequests::serve(sources::KeyRequestArrival arrival) {
  auto outcome = Outcome::lost;
  const auto arrived = arrival.arrived;
  const auto id = services_.next_id();
  {
    KeyRequestCase request{services_, turns_, id, std::move(arrival)};
    outcome = co_await request.handle();
  }
  tally_.end(id, outcome, arrived);
}

}  // namespace upcall::dispatch
