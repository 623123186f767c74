// SPDX-License-Identifier: Apache-2.0
// What the files say before its names are bound to rows: all files are decoded into one draft, then
// bound.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "settings/load.h"
#include "settings/reader.h"

namespace upcall::settings {

// Rule is a policy::Rule, KeyRule, ModuleRule or HelperRule.
template <class Rule>
struct RuleDraft {
  Rule rule;  // without `when.container`, `on_failure` and all of `action` but `load`
  std::vector<Name> container;
  std::vector<Name> actions;  // `do`
  std::optional<Name> on_failure;
};

struct UeventRuleDraft {
  policy::UeventRule rule;  // without `when.container`, `to`, `handlers` and `on_failure`
  std::vector<Name> container;
  std::vector<Name> to;
  std::vector<Name> actions;
  std::optional<Name> on_failure;
};

struct Draft {
  std::vector<policy::ContainerSelector> containers;
  wire::HandlerTable handlers;
  std::vector<policy::Handler> handlers_of_policy;  // row by row the same
  std::vector<RuleDraft<policy::Rule>> rules;
  std::vector<RuleDraft<policy::KeyRule>> key_rules;
  std::vector<UeventRuleDraft> uevent_rules;
  std::vector<Name> coredump_default;
  std::vector<Name> request_key_default;
  std::optional<std::int64_t> key_requests_per_second;
  std::optional<policy::OnTakeover> core_pattern_taken;
  wire::StateDirectories state_directories{wire::default_state_directories()};

  // Where each name was first given, in whichever file. Names of what is itself mistaken are here
  // too, so that their users are not called mistakes as well.
  std::map<std::string, Place> container_places;
  std::map<std::string, Place> handler_places;
  std::map<std::string, Place> rule_places;
  std::map<std::string, Place> default_places;
  std::map<std::string, Place> release_agent_places;

  std::vector<RuleDraft<policy::ModuleRule>> module_rules;
  std::vector<Name> modprobe_default;
  std::optional<bool> modprobe_absent_denies;
  std::vector<RuleDraft<policy::HelperRule>> helper_rules;
  std::vector<Name> helper_default;
  std::optional<bool> helper_absent_denies;
  std::vector<std::string> release_agents;
};

// Notes the name, or complains that another place has it already.
bool declare(Reader& reader, std::map<std::string, Place>& places, const Name& name);

// A name of a container or handler: [a-z0-9][a-z0-9_.-]*, and none of the words that mean something
// else.
bool check_name(Reader& reader, const Name& name, const std::vector<std::string>& reserved);

// A glob over absolute paths; complains of one that can match none.
[[nodiscard]] std::optional<std::string> read_path_glob(Reader& reader, const Value& value);

void decode_containers(Reader& reader, const Value& value, Draft& draft);
void decode_handlers(Reader& reader, const Value& value, Draft& draft);
void decode_rules(Reader& reader, const Value& value, Draft& draft);
void decode_runtimes(Reader& reader, const Value& value, Draft& draft);
void decode_release_agents(Reader& reader, const Value& value, Draft& draft);
void decode_defaults(Reader& reader, const Value& value, Draft& draft);

// `container` is where its names of containers go.
[[nodiscard]] policy::UeventMatch decode_uevent_match(Reader& reader, const Value& value,
                                                      std::vector<Name>& container);

// `do`, and what stands for it in `defaults`: words and names of handlers, not yet told apart.
[[nodiscard]] std::vector<Name> read_actions(Reader& reader, const Value& value);

// Names become rows. What cannot be bound is a mistake, and the settings then are not to be used.
[[nodiscard]] Settings bind(Reader& reader, Draft draft);

}  // namespace upcall::settings
