// SPDX-License-Identifier: Apache-2.0
// A request for a module or for another helper, as upcall-shim brought it. Who made it, the
// kernel's trace tells.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>

#include "base/semaphore.h"
#include "base/unique_fd.h"
#include "event/event.h"

namespace upcall::sources {

struct HelperArrival {
  UniqueFd connection;  // to the shim, who waits; non-blocking
  UniqueFd shim;        // its pidfd, and that of the stock helper that it becomes
  pid_t shim_pid{};
  event::Detail asked;  // a ModuleRequest or a HelperRequest, as far as the shim knows
  std::chrono::system_clock::time_point time;
  std::chrono::steady_clock::time_point arrived;
  Semaphore::Permit permit;  // its place among the active ones
};

using HelperSink = std::function<void(HelperArrival)>;

}  // namespace upcall::sources
