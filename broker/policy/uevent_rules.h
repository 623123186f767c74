// SPDX-License-Identifier: Apache-2.0
// Rules on uevents. Apart from the others: a uevent is nobody's, there are many, and most of them
// matter to no rule.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
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
  std::map<std::string, std::vector<std::string>> env;   // by the variable's name
  std::map<std::string, std::vector<std::string>> attr;  // by the file's name below the device's
  // Names of selectors, or kAnyContainer: whose own device it must be. None: the host's.
  std::vector<std::string> container;
  // What only root could have caused is not what a container with a writable /sys could have.
  std::vector<event::UeventClass> origin{event::UeventClass::kernel, event::UeventClass::resync};
};

struct UeventRule {
  std::string name;
  UeventMatch when;
  std::vector<std::string> to;          // names of selectors, or kAnyContainer
  std::vector<std::uint32_t> handlers;  // rows of the handler table, in order; none: ignore
  std::optional<std::uint32_t> on_failure;
};

// In whose containers its handlers run: those it is brought to, or the one whose device it is.
// None: they run on the host.
[[nodiscard]] inline const std::vector<std::string>& places_of(const UeventRule& rule) {
  return rule.to.empty() ? rule.when.container : rule.to;
}

// What the file of that name says of the event's device; nothing for what cannot be read. Asked
// only for rules all of whose other conditions hold.
using ReadAttribute = std::function<std::optional<std::string>(const std::string& name)>;

// The rules by the subsystems that they name, so that of a hundred an event meets only a few.
class UeventIndex {
 public:
  // Borrows them.
  explicit UeventIndex(const std::vector<UeventRule>& rules);

  // The first that matches; nullptr for none: what no rule wants is ignored. `owner` is the name of
  // the selector of the container whose own device it is, nullptr for the host's.
  [[nodiscard]] const UeventRule* decide(const event::Uevent& event, const std::string* owner,
                                         const ReadAttribute& read_attribute) const;

 private:
  using Rules = std::vector<const UeventRule*>;  // in the order of the policy
  [[nodiscard]] const Rules& rules_for(std::string_view subsystem) const;

  std::map<std::string, Rules, std::less<>> by_subsystem_;
  Rules of_others_;  // for what none names
};

// Whose devices a rule is about.
enum class Devices : std::uint8_t { of_host, of_containers };
[[nodiscard]] bool want(const std::vector<UeventRule>& rules, Devices devices);
// Those of the containers that match this selector.
[[nodiscard]] bool want_devices_of(const std::vector<UeventRule>& rules,
                                   const std::string& selector);

// Whether any of them may want the events of these network devices' queues: one that names them.
[[nodiscard]] bool mention_queues(const std::vector<UeventRule>& rules, Devices devices);

}  // namespace upcall::policy
