// SPDX-License-Identifier: Apache-2.0
// What upcallctl(8) is told, as JSON. Pure; bytes that are no UTF-8 become U+FFFD.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "dispatch/recipient.h"
#include "event/event.h"
#include "event/uevent.h"
#include "kernel/process_status.h"
#include "origin/record.h"
#include "policy/uevent_rules.h"

namespace upcall::control {

// Whose a process is.
struct Whose {
  event::Origin origin;
  std::string selector;  // the policy's name for its container; empty for none
  pid_t init{};          // the container's, whose privileges bound a handler's; 0 without one
  std::optional<kernel::ProcessStatus> init_status;
};

// By the paths of their records.
[[nodiscard]] std::string containers_document(const std::map<std::string, origin::Record>& running);
[[nodiscard]] std::string whois_document(const Whose& whose);
// On one line each. `rule` is nullptr where none matched, `owner` for the host's devices.
[[nodiscard]] std::string uevent_document(const event::Uevent& event,
                                          const policy::UeventRule* rule,
                                          const dispatch::DeviceOwner* owner);
[[nodiscard]] std::string lost_document(std::uint64_t count, const char* by);
[[nodiscard]] std::string error_document(const std::string& why);

}  // namespace upcall::control
