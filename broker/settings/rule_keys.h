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
  return condition(reader, out, [&reader](const Value& item) { return reader.name(item); });
}

// Of users or groups.
inline Take id_condition(Reader& reader, std::vector<uid_t>& out) {
  constexpr Range kIds{.least = 0, .most = std::numeric_limits<uid_t>::max() - 1};
  return condition(reader, out,
                   [&reader, kIds](const Value& item) { return reader.number(item, kIds); });
}

[[nodiscard]] RuleDraft<policy::ModuleRule> decode_module_rule(Reader& reader, RuleKeys keys);
[[nodiscard]] RuleDraft<policy::HelperRule> decode_helper_rule(Reader& reader, RuleKeys keys);

}  // namespace upcall::settings
