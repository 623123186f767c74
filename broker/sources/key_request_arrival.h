// SPDX-License-Identifier: Apache-2.0
// A key request, as upcall-shim brought it: what it is about, only the kernel is asked.
#pragma once

#include <chrono>
#include <functional>

#include "base/semaphore.h"
#include "base/unique_fd.h"
#include "wire/shim.h"

namespace upcall::sources {

struct KeyRequestArrival {
  UniqueFd connection;  // to the shim, who waits; non-blocking
  UniqueFd shim;        // its pidfd
  wire::ShimKeyRequest call;
  std::chrono::system_clock::time_point time;
  std::chrono::steady_clock::time_point arrived;
  Semaphore::Permit permit;  // its place among the active ones
};

using KeyRequestSink = std::function<void(KeyRequestArrival)>;

}  // namespace upcall::sources
