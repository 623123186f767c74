// SPDX-License-Identifier: Apache-2.0
// What rules on every kind of event have in common while they are read.
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "settings/draft.h"

namespace upcall::settings {

enum class Kind : std::uint8_t { coredump, request_key, modprobe };

// The keys of one rule. How some read depends on others, so they are kept until all are known.
struct RuleKeys {
  Name name;  // its place is the rule's own where there is no name
  bool has_kind{};
  Kind kind{Kind::coredump};
  const Value* when{};
  const Value* negative{};
  const Value* load{};  // `do`, where it is a map
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

// One condition: each value that reads well is appended.
template <class T, class ReadOne>
Take condition(Reader& reader, std::vector<T>& out, ReadOne read_one) {
  return [&reader, &out, read_one](const Value& value) {
    reader.read_one_or_more(value, [&](const Value& item) {
      if (auto one = read_one(item)) out.push_back(static_cast<T>(*std::move(one)));
    });
  };
}

inline Take container_condition(Reader& reader, std::vector<Name>& out) {
  return condition(reader, out, [&reader](const Value& item) { return reader.name(item); });
}

inline Take uid_condition(Reader& reader, std::vector<uid_t>& out) {
  constexpr Range kIds{.least = 0, .most = std::numeric_limits<uid_t>::max() - 1};
  return condition(reader, out,
                   [&reader, kIds](const Value& item) { return reader.number(item, kIds); });
}

[[nodiscard]] RuleDraft<policy::ModuleRule> decode_module_rule(Reader& reader, RuleKeys keys);

}  // namespace upcall::settings
