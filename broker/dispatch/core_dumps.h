// SPDX-License-Identifier: Apache-2.0
// All core dumps that the broker has taken on: each gets a case of its own (core_dump_case.h), so
// many at once as the launcher can hold.
#pragma once

#include "dispatch/core_dump_case.h"
#include "dispatch/services.h"
#include "dispatch/tally.h"
#include "sources/core_dump_arrival.h"

namespace upcall::dispatch {

class CoreDumps {
 public:
  CoreDumps(Services services, CoreDumpSetup setup)
      : services_{services}, setup_{std::move(setup)} {}

  void take(sources::CoreDumpArrival arrival);
  // A dump of this process is upcalld's own test, answered before the policy is asked.
  void expect_self_test(pid_t pid) { setup_.self_test = pid; }
  [[nodiscard]] Tally& tally() { return tally_; }

 private:
  [[nodiscard]] asio::awaitable<void> serve(sources::CoreDumpArrival arrival);

  Services services_;
  CoreDumpSetup setup_;
  Tally tally_;
};

}  // namespace upcall::dispatch
