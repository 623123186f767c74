// SPDX-License-Identifier: Apache-2.0
// A request for a module, as upcall-shim brought it. Who made it, the kernel's trace tells.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>

#include "base/semaphore.h"
#include "base/unique_fd.h"

namespace upcall::sources {

struct ModuleRequestArrival {
  UniqueFd connection;  // to the shim, who waits; non-blocking
  UniqueFd shim;        // its pidfd, and that of the stock helper that it becomes
  pid_t shim_pid{};
  std::string alias;
  std::chrono::system_clock::time_point time;
  std::chrono::steady_clock::time_point arrived;
  Semaphore::Permit permit;  // its place among the active ones
};

using ModuleRequestSink = std::function<void(ModuleRequestArrival)>;

}  // namespace upcall::sources
