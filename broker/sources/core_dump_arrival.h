// SPDX-License-Identifier: Apache-2.0
// A process that the kernel is dumping, as a source hands it over: the kernel's own descriptors,
// and the little that the kernel said beside them. Nothing in it comes from a process.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "base/semaphore.h"
#include "base/unique_fd.h"
#include "event/event.h"

namespace upcall::sources {

// How the conversation on `stream` begins; it ends the same way for both, when we close it.
enum class Opening : std::uint8_t {
  kernel_asks,  // the kernel's own connection: a request comes first and wants an answer
  core_flows,   // the shim's: the core comes at once
};

struct CoreDumpArrival {
  UniqueFd stream;  // non-blocking stream socket
  UniqueFd pidfd;   // of the process, given by the kernel
  Opening opening{};
  pid_t pid{};  // its thread group
  std::optional<pid_t> tid;
  std::optional<int> signal;
  std::optional<event::Dumpable> dumpable;
  std::chrono::system_clock::time_point time;
  std::chrono::steady_clock::time_point arrived;
  Semaphore::Permit permit;  // its place among the active ones
};

using CoreDumpSink = std::function<void(CoreDumpArrival)>;

// What a source could not take: counted and logged by whoever owns it.
using LossSink = std::function<void(const std::string& why)>;

}  // namespace upcall::sources
