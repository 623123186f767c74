// SPDX-License-Identifier: Apache-2.0
// What the launcher captured and what /proc says without privileges, made into an Origin.
#pragma once

#include <string>

#include "base/result.h"
#include "event/event.h"
#include "wire/launcher.h"

namespace upcall::origin {

struct Subject {
  int proc{};   // borrowed descriptor of /proc
  int pidfd{};  // borrowed; the kernel gave it
  pid_t pid{};
  pid_t tid{};
  std::string cgroup;  // its path in the unified hierarchy; empty without one
};

// What the launcher read beside its reply's numbers.
struct Texts {
  std::string exe;
  std::string host_name;
  std::string tag;
};

// ESRCH when the process was gone before everything was read: what was read then may be another's.
[[nodiscard]] Result<event::Origin> resolve(const Subject& subject,
                                            const wire::CaptureReply& capture, Texts texts);

}  // namespace upcall::origin
