// SPDX-License-Identifier: Apache-2.0
// All requests for modules, or for other helpers, that the broker has taken on: each gets a case of
// its own (helper_case.h).
#pragma once

#include "dispatch/module_aliases.h"
#include "dispatch/services.h"
#include "dispatch/tally.h"
#include "sources/helper_arrival.h"
#include "sources/helper_trace.h"

namespace upcall::dispatch {

// What they need beside what every case does.
struct HelperServices {
  sources::HelperTrace& trace;
  const ModuleAliases& aliases;
  Semaphore& places;     // of all but root's and the kernel's own
  Semaphore& unawaited;  // of all for which nobody waits
  pid_t supervisor{};
  // Where upcalld's own files are that the kernel starts: they come back by roles of their own.
  const std::string& own_helpers;
};

class HelperRequests {
 public:
  HelperRequests(Services services, HelperServices helpers)
      : services_{services}, helpers_{helpers} {}

  void take(sources::HelperArrival arrival);
  [[nodiscard]] Tally& tally() { return tally_; }

 private:
  [[nodiscard]] asio::awaitable<void> serve(sources::HelperArrival arrival);

  Services services_;
  HelperServices helpers_;
  Tally tally_;
};

}  // namespace upcall::dispatch
