// SPDX-License-Identifier: Apache-2.0
// All key requests that the broker has taken on: each gets a case of its own (key_request_case.h).
#pragma once

#include "base/limits.h"
#include "dispatch/services.h"
#include "dispatch/tally.h"
#include "sources/key_request_arrival.h"

namespace upcall::dispatch {

class KeyRequests {
 public:
  explicit KeyRequests(Services services)
      : services_{services}, turns_{services.io, limits::kKeysLookedAt} {}

  void take(sources::KeyRequestArrival arrival);
  [[nodiscard]] Tally& tally() { return tally_; }

 private:
  [[nodiscard]] asio::awaitable<void> serve(sources::KeyRequestArrival arrival);

  Services services_;
  Semaphore turns_;
  Tally tally_;
};

}  // namespace upcall::dispatch
