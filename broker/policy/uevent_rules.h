// SPDX-License-Identifier: Apache-2.0
// Rules on uevents. Apart from the others: a uevent is nobody's, there are many, and most of them
// matter to no rule.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "event/uevent.h"

namespace upcall::policy {

// Globs all, but for `origin`. An empty list is no condition, a list is "one of".
struct UeventMatch {
  std::vector<std::string> action;
  std::vector<std::string> subsystem;
  std::vector<std::string> devtype;
  std::vector<std::string> devpath;
  std::vector<std::string> driver;
  std::map<std::string, std::vector<std::string>> env;  // by the variable's name
  // What only root could have caused is not what a container with a writable /sys could have.
  std::vector<event::UeventClass> origin{event::UeventClass::kernel, event::UeventClass::resync};
};

struct UeventRule {
  std::string name;
  UeventMatch when;
  std::vector<std::string> to;          // names of selectors, or kAnyContainer; none: the host
  std::vector<std::uint32_t> handlers;  // rows of the handler table, in order; none: ignore
  std::optional<std::uint32_t> on_failure;
};

// The first that matches; nullptr for none: what no rule wants is ignored.
[[nodiscard]] const UeventRule* decide(const std::vector<UeventRule>& rules,
                                       const event::Uevent& event);

// Whether any of them may want the events of network devices' queues: one that names them.
[[nodiscard]] bool mention_queues(const std::vector<UeventRule>& rules);

}  // namespace upcall::policy
