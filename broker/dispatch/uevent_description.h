// SPDX-License-Identifier: Apache-2.0
// A uevent as its handler gets to know it, and in the log: docs/handler-protocol.md in code.
#pragma once

#include <chrono>
#include <string>

#include "dispatch/describe.h"
#include "event/event.h"
#include "event/uevent.h"

namespace upcall::dispatch {

struct UeventTold {
  event::EventId id{};
  std::chrono::system_clock::time_point time;
  const event::Uevent& event;
  const std::string& rule;
  std::string selector;                 // of the container that is told of it; empty on the host
  const event::Container* container{};  // its record; nullptr on the host
};
// The document has all of the event's variables by name.
[[nodiscard]] Briefing brief(const UeventTold& told, const std::string& handler);

// `owner` is the selector of the container whose own device it is; nullptr for the host's.
[[nodiscard]] std::string decided_line(event::EventId id, const event::Uevent& event,
                                       const std::string& rule, const std::string* owner);

}  // namespace upcall::dispatch
