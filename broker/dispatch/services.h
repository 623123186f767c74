// SPDX-License-Identifier: Apache-2.0
// What every case works with, whatever its kind.
#pragma once

#include <cstdint>

#include "base/asio.h"
#include "base/semaphore.h"
#include "dispatch/containers.h"
#include "dispatch/fair_share.h"
#include "dispatch/rate_limit.h"
#include "event/event.h"
#include "launcher/client.h"
#include "policy/policy.h"

namespace upcall::dispatch {

struct Services {
  asio::io_context& io;
  Semaphore& running;  // as many as the launcher can hold
  // Of those, what handlers may hold: one stays for finding out whose a key request is, since
  // handlers that hold all would have those wait whom only EBUSY awaits.
  Semaphore& handling;
  FairShare& shares;
  RateLimit& key_rates;
  Containers& containers;
  launcher::Client& launcher;
  const policy::Policy& policy;
  std::uint64_t& last_id;
  int proc{};  // borrowed descriptor of /proc

  [[nodiscard]] event::EventId next_id() const { return event::EventId{++last_id}; }
};

}  // namespace upcall::dispatch
