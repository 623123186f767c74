// SPDX-License-Identifier: Apache-2.0
// What the launcher captured and what /proc says without privileges, made into an Origin.
#pragma once

#include <string>

#include "base/result.h"
#include "event/event.h"
#include "wire/capture_texts.h"
#include "wire/launcher.h"

namespace upcall::origin {

struct Subject {
  int proc{};   // borrowed descriptor of /proc
  int pidfd{};  // borrowed; the kernel gave it
  pid_t pid{};
  pid_t tid{};
  std::string cgroup;  // its path in the unified hierarchy; empty without one
};

// What /proc shows of the thread without privileges.
struct Sight {
  std::string comm;
  std::string status;
  std::string leader_status;  // of its process
};
[[nodiscard]] Result<Sight> look_at(const Subject& subject);

// ESRCH when the process was gone before everything was read: what was read then may be another's.
[[nodiscard]] Result<event::Origin> resolve(const Subject& subject, const Sight& seen,
                                            const wire::CaptureReply& capture,
                                            wire::CaptureTexts texts);
// Looks by itself.
[[nodiscard]] Result<event::Origin> resolve(const Subject& subject,
                                            const wire::CaptureReply& capture,
                                            wire::CaptureTexts texts);

}  // namespace upcall::origin
