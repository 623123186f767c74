// SPDX-License-Identifier: Apache-2.0
// What rules on every kind of event have in common while they are read.
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "settings/condition.h"
#include "settings/draft.h"

namespace upcall::settings {

enum class Kind : std::uint8_t { coredump, request_key, modprobe, usermode_helper, uevent };

// The keys of one rule. How some read depends on others, so they are kept until all are known.
struct RuleKeys {
  Name name;  // its place is the rule's own where there is no name
  bool has_kind{};
  Kind kind{Kind::coredump};
  const Value* when{};
  const Value* negative{};
  const Value* load{};  // `do`, where it is a map
  const Value* to{};
  bool has_action{};
  std::vector<Name> actions;
  std::optional<Name> on_failure;
};

template <class Rule>
RuleDraft<Rule> draft_of(RuleKeys keys) {
  RuleDraft<Rule> out{.actions = std::move(keys.actions), .on_failure = std::move(keys.on_failure)};
  out.rule.name = keys.name.text;
  return out;
}

inline Take container_condition(Reader& reader, std::vector<Name>& out) {
  return condition<&Reader::name>(reader, out);
}

inline Take path_condition(Reader& reader, std::vector<std::string>& out) {
  return condition<read_path_glob>(reader, out);
}

inline std::optional<std::int64_t> read_id(Reader& reader, const Value& value) {
  return reader.number(value, {.least = 0, .most = std::numeric_limits<uid_t>::max() - 1});
}

// Of users or groups.
inline Take id_condition(Reader& reader, std::vector<uid_t>& out) {
  return condition<read_id>(reader, out);
}

[[nodiscard]] RuleDraft<policy::ModuleRule> decode_module_rule(Reader& reader, RuleKeys keys);
[[nodiscard]] RuleDraft<policy::HelperRule> decode_helper_rule(Reader& reader, RuleKeys keys);

}  // namespace upcall::settings
