// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "settings/builtin.h"
#include "settings/draft.h"

namespace upcall::settings {
namespace {

using policy::Action;
using policy::ActionKind;
using wire::HandlerRow;

// Whether what an action applies to is always in a container, where `in: container` handlers can
// run.
enum class Scope : std::uint8_t { containers_only, anything };

std::vector<std::string> names_in(const std::map<std::string, Place>& places) {
  std::vector<std::string> names;
  names.reserve(places.size());
  for (const auto& [name, place] : places) names.push_back(name);
  return names;
}

class Binder {
 public:
  Binder(Reader& reader, const Draft& draft) : reader_{reader}, draft_{draft} {}

  [[nodiscard]] policy::Rule bind_rule(const RuleDraft& draft) {
    policy::Rule rule = draft.rule;
    rule.when.container = bind_containers(draft.container);
    const Scope scope = draft.container.empty() ? Scope::anything : Scope::containers_only;
    rule.action = bind_action(draft.actions, scope);
    if (!draft.on_failure) return rule;
    rule.on_failure = bind_handler(*draft.on_failure, scope, {});
    if (rule.action.kind != ActionKind::run) {
      reader_.complain(draft.on_failure->place,
                       "'on_failure' needs a handler in 'do' that can fail");
    }
    return rule;
  }

  [[nodiscard]] Action bind_action(const std::vector<Name>& names, Scope scope) {
    Action action;
    for (const auto& name : names) {
      if (name.text == "pass" || name.text == "reject") {
        action.kind = name.text == "pass" ? ActionKind::pass : ActionKind::reject;
        if (names.size() > 1)
          reader_.complain(name.place, quoted(name.text) + " stands alone, not in a list");
        continue;
      }
      action.kind = ActionKind::run;
      const auto row = bind_handler(name, scope, {"pass", "reject"});
      if (!row) continue;
      action.handlers.push_back(*row);
      if (&name != &names.front()) expect_no_core(name, draft_.handlers[*row]);
    }
    return action;
  }

 private:
  [[nodiscard]] std::vector<std::string> bind_containers(const std::vector<Name>& names) {
    std::vector<std::string> bound;
    for (const auto& name : names) {
      const bool known =
          name.text == policy::kAnyContainer || draft_.container_places.contains(name.text);
      if (!known) complain_unknown("container", name, names_in(draft_.container_places));
      bound.push_back(name.text);
    }
    return bound;
  }

  // `words` are what could have been meant beside a handler.
  [[nodiscard]] std::optional<std::uint32_t> bind_handler(const Name& name, Scope scope,
                                                          std::vector<std::string> words) {
    const auto row = std::ranges::find_if(
        draft_.handlers, [&](const HandlerRow& one) { return one.name == name.text; });
    if (row == draft_.handlers.end()) {
      const auto handlers = names_in(draft_.handler_places);
      words.insert(words.end(), handlers.begin(), handlers.end());
      complain_unknown("handler", name, words);
      return {};
    }
    if (scope == Scope::anything && row->place == wire::Place::container) {
      reader_.complain(
          name.place,
          "handler " + quoted(name.text) +
              " runs in the container, and this also applies "
              "to processes that are in none: use a rule with a 'container' in its 'when'");
    }
    return static_cast<std::uint32_t>(row - draft_.handlers.begin());
  }

  void expect_no_core(const Name& name, const HandlerRow& row) {
    if (row.program != wire::Program::vault) return;
    reader_.complain(name.place,
                     "handler " + quoted(name.text) +
                         " reads the core, which only the first handler gets: put it first");
  }

  void complain_unknown(const std::string& what, const Name& name,
                        const std::vector<std::string>& candidates) {
    reader_.complain(name.place,
                     "no " + what + ' ' + quoted(name.text) + did_you_mean(name.text, candidates));
  }

  Reader& reader_;
  const Draft& draft_;
};

}  // namespace

Settings bind(Reader& reader, Draft draft) {
  Settings out;
  Binder binder{reader, draft};
  for (const auto& rule : draft.rules) out.policy.rules.push_back(binder.bind_rule(rule));
  out.policy.coredump_default = binder.bind_action(draft.coredump_default, Scope::anything);
  out.policy.core_pattern_taken = draft.core_pattern_taken.value_or(policy::OnTakeover::report);
  for (const auto& handler : draft.handlers) {
    const bool inside = handler.place == wire::Place::container;
    out.policy.handlers.push_back(
        {.name = handler.name, .place = inside ? policy::Place::container : policy::Place::host});
  }
  out.policy.containers = std::move(draft.containers);
  out.handlers = std::move(draft.handlers);
  out.state_directories = std::move(draft.state_directories);
  return out;
}

}  // namespace upcall::settings
