// SPDX-License-Identifier: Apache-2.0
// All requests for modules that the broker has taken on: each gets a case of its own
// (module_request_case.h).
#pragma once

#include "dispatch/module_aliases.h"
#include "dispatch/services.h"
#include "dispatch/tally.h"
#include "sources/helper_trace.h"
#include "sources/module_request_arrival.h"

namespace upcall::dispatch {

// What they need beside what every case does.
struct ModuleServices {
  sources::HelperTrace& trace;
  const ModuleAliases& aliases;
  Semaphore& places;     // of all but root's
  Semaphore& unawaited;  // of all for which nobody waits
  pid_t supervisor{};
};

class ModuleRequests {
 public:
  ModuleRequests(Services services, ModuleServices modules)
      : services_{services}, modules_{modules} {}

  void take(sources::ModuleRequestArrival arrival);
  [[nodiscard]] Tally& tally() { return tally_; }

 private:
  [[nodiscard]] asio::awaitable<void> serve(sources::ModuleRequestArrival arrival);

  Services services_;
  ModuleServices modules_;
  Tally tally_;
};

}  // namespace upcall::dispatch
