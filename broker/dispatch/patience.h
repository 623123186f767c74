// SPDX-License-Identifier: Apache-2.0
// How long a run for a request may go on: until the request's deadline, or until its requester
// was killed. Then the launcher kills it.
#pragma once

#include <chrono>
#include <string>

#include "dispatch/handler_run.h"
#include "dispatch/services.h"

namespace upcall::dispatch {

// When a request for a key or a module is over, whatever its handler does.
struct Wait {
  std::chrono::steady_clock::time_point deadline;
  std::string status;  // the requester's, below /proc; empty for one that nothing kills
};
[[nodiscard]] bool is_over(const Wait& wait, int proc);

// Waits for the end of a run, which comes when `wait` is over at the latest. Whether it succeeded.
[[nodiscard]] asio::awaitable<bool> finish_in_time(const Services* services, HandlerRun* run,
                                                   Wait wait);

}  // namespace upcall::dispatch
