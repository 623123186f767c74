// SPDX-License-Identifier: Apache-2.0
#include "policy/uevent_rules.h"

#include <algorithm>

#include "base/text.h"
#include "policy/decide.h"

namespace upcall::policy {
namespace {

// Most globs fail at their first byte, and this is asked for every event and rule.
bool begins_otherwise(std::string_view glob, std::string_view text) {
  if (glob.empty() || text.empty() || glob.front() == text.front()) return false;
  const char first = glob.front();
  return first != '*' && first != '?' && first != '[' && first != '\\';
}

bool is_literal(const std::string& glob) {
  return glob.find_first_of("*?[\\") == std::string::npos;
}

bool any_matches(const std::vector<std::string>& globs, std::string_view text) {
  return std::ranges::any_of(globs, [&](const std::string& glob) {
    return !begins_otherwise(glob, text) && glob_matches(glob, text);
  });
}

bool allows(const std::vector<std::string>& globs, std::string_view text) {
  return globs.empty() || any_matches(globs, text);
}

bool env_matches(const UeventMatch& when, const event::Uevent& event) {
  return std::ranges::all_of(when.env, [&](const auto& condition) {
    const auto value = event::find_variable(event, condition.first);
    return value && any_matches(condition.second, *value);
  });
}

// A device that is being removed may have none left, or have some.
bool attr_matches(const UeventMatch& when, const event::Uevent& event,
                  const ReadAttribute& read_attribute) {
  if (when.attr.empty()) return true;
  if (event.action == "remove") return false;
  return std::ranges::all_of(when.attr, [&](const auto& condition) {
    const auto value = read_attribute(condition.first);
    return value && any_matches(condition.second, *value);
  });
}

bool is_about(const UeventRule& rule, Devices devices) {
  return rule.when.container.empty() == (devices == Devices::of_host);
}

bool owner_matches(const std::vector<std::string>& containers, const std::string* owner) {
  return owner == nullptr ? containers.empty() : is_among(containers, *owner);
}

// The shortest texts first: most of a hundred rules must fall to a cheap comparison. Files last.
bool matches(const UeventMatch& when, const event::Uevent& event, const std::string* owner,
             const ReadAttribute& read_attribute) {
  return owner_matches(when.container, owner) && allows(when.subsystem, event.subsystem) &&
         allows(when.action, event.action) &&
         std::ranges::find(when.origin, event.origin) != when.origin.end() &&
         allows(when.devtype, event.devtype) && allows(when.driver, event.driver) &&
         allows(when.devpath, event.devpath) && env_matches(when, event) &&
         attr_matches(when, event, read_attribute);
}

}  // namespace

bool want(const std::vector<UeventRule>& rules, Devices devices) {
  return std::ranges::any_of(rules,
                             [&](const UeventRule& rule) { return is_about(rule, devices); });
}

bool want_devices_of(const std::vector<UeventRule>& rules, const std::string& selector) {
  return std::ranges::any_of(
      rules, [&](const UeventRule& rule) { return is_among(rule.when.container, selector); });
}

UeventIndex::UeventIndex(const std::vector<UeventRule>& rules) {
  for (const auto& rule : rules) {
    for (const auto& glob : rule.when.subsystem) {
      if (is_literal(glob)) by_subsystem_[glob];
    }
  }
  for (const auto& rule : rules) {
    for (auto& [subsystem, candidates] : by_subsystem_) {
      if (allows(rule.when.subsystem, subsystem)) candidates.push_back(&rule);
    }
    if (!std::ranges::all_of(rule.when.subsystem, is_literal) || rule.when.subsystem.empty())
      of_others_.push_back(&rule);
  }
}

const UeventIndex::Rules& UeventIndex::rules_for(std::string_view subsystem) const {
  const auto found = by_subsystem_.find(subsystem);
  return found == by_subsystem_.end() ? of_others_ : found->second;
}

const UeventRule* UeventIndex::decide(const event::Uevent& event, const std::string* owner,
                                      const ReadAttribute& read_attribute) const {
  // Whatever the rules say, a program's word is not the kernel's.
  if (event.origin == event::UeventClass::user) return nullptr;
  for (const auto* rule : rules_for(event.subsystem)) {
    if (matches(rule->when, event, owner, read_attribute)) return rule;
  }
  return nullptr;
}

bool mention_queues(const std::vector<UeventRule>& rules, Devices devices) {
  return std::ranges::any_of(rules, [&](const UeventRule& rule) {
    return is_about(rule, devices) && any_matches(rule.when.subsystem, "queues");
  });
}

}  // namespace upcall::policy
