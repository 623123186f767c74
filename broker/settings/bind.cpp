// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "policy/decide.h"
#include "settings/builtin.h"
#include "settings/rule_keys.h"

namespace upcall::settings {
namespace {

using policy::Action;
using policy::ActionKind;
using wire::HandlerRow;

// Whether what an action applies to is always in a container, where `in: container` handlers can
// run.
enum class Scope : std::uint8_t { containers_only, anything };

template <class Rule>
constexpr Kind kind_of() {
  if (std::is_same_v<Rule, policy::KeyRule>) return Kind::request_key;
  if (std::is_same_v<Rule, policy::HelperRule>) return Kind::usermode_helper;
  return std::is_same_v<Rule, policy::ModuleRule> ? Kind::modprobe : Kind::coredump;
}

// The word for what is neither passed on nor given to a handler.
const char* refusal(Kind kind) {
  return kind == Kind::modprobe || kind == Kind::usermode_helper ? "deny" : "reject";
}

// What needs no handler with events of some kind, perhaps of another one than is meant.
bool is_action_word(std::string_view word) {
  return word == "pass" || word == "reject" || word == "deny" || word == "ignore";
}

// As mistakes call an event of this kind.
std::string name_of(Kind kind) {
  switch (kind) {
    case Kind::coredump:
      return "a core dump";
    case Kind::request_key:
      return "a key request";
    case Kind::modprobe:
      return "a module request";
    case Kind::usermode_helper:
      return "another helper of the kernel's";
    case Kind::uevent:
      return "a uevent";
  }
  return {};
}

std::vector<std::string> names_in(const std::map<std::string, Place>& places) {
  std::vector<std::string> names;
  names.reserve(places.size());
  for (const auto& [name, place] : places) names.push_back(name);
  return names;
}

class Binder {
 public:
  Binder(Reader& reader, const Draft& draft) : reader_{reader}, draft_{draft} {}

  template <class Rule>
  [[nodiscard]] Rule bind_rule(const RuleDraft<Rule>& draft) {
    constexpr auto kKind = kind_of<Rule>();
    Rule rule = draft.rule;
    rule.when.container = bind_containers(draft.container);
    const Scope scope = draft.container.empty() ? Scope::anything : Scope::containers_only;
    if (rule.action.kind != ActionKind::load)
      rule.action = bind_action(draft.actions, scope, kKind);
    if (!draft.on_failure) return rule;
    rule.on_failure = bind_handler(*draft.on_failure, scope, {});
    if (rule.on_failure) check_kind(*draft.on_failure, *rule.on_failure, kKind);
    if (rule.action.kind != ActionKind::run) {
      reader_.complain(draft.on_failure->place,
                       "'on_failure' needs a handler in 'do' that can fail");
    }
    return rule;
  }

  [[nodiscard]] Action bind_action(const std::vector<Name>& names, Scope scope, Kind kind) {
    Action action;
    for (const auto& name : names) {
      if (name.text == "pass" || name.text == refusal(kind)) {
        action.kind = name.text == "pass" ? ActionKind::pass : ActionKind::reject;
        if (names.size() > 1)
          reader_.complain(name.place, quoted(name.text) + " stands alone, not in a list");
        continue;
      }
      action.kind = ActionKind::run;
      const auto row = bind_handler(name, scope, {"pass", refusal(kind)});
      if (!row) continue;
      action.handlers.push_back(*row);
      check_kind(name, *row, kind);
      if (&name == &names.front()) continue;
      if (kind == Kind::coredump) {
        expect_no_core(name, draft_.handlers[*row]);
      } else {
        reader_.complain(name.place, name_of(kind) +
                                         " has one answer: name one handler; another may be "
                                         "'on_failure'");
      }
    }
    return action;
  }

  // A uevent has no process, and so no container to be handled in but the one whose device it is,
  // or those that the rule names.
  [[nodiscard]] policy::UeventRule bind_rule(const UeventRuleDraft& draft) {
    policy::UeventRule rule = draft.rule;
    rule.to = bind_containers(draft.to);
    rule.when.container = bind_containers(draft.container);
    expect_somebody_on_record("to", draft.to, rule.to);
    expect_somebody_on_record("container", draft.container, rule.when.container);
    if (!draft.to.empty() && !draft.container.empty())
      reader_.complain(draft.to.front().place,
                       "'to' brings the host's uevents to containers, and the 'container' of "
                       "'when' asks for those of a container's own devices, which go to itself: "
                       "leave out one of them");
    const auto place = places_of(rule).empty() ? wire::Place::host : wire::Place::container;
    for (const auto& name : draft.actions) {
      if (name.text == "ignore") {
        if (draft.actions.size() > 1)
          reader_.complain(name.place, "'ignore' stands alone, not in a list");
      } else if (const auto row = bind_uevent_handler(name, place, {"ignore"})) {
        expect_the_kernels_word(name, draft_.handlers[*row], rule.when);
        rule.handlers.push_back(*row);
      }
    }
    if (!draft.on_failure) return rule;
    rule.on_failure = bind_uevent_handler(*draft.on_failure, place, {});
    if (rule.handlers.empty())
      reader_.complain(draft.on_failure->place,
                       "'on_failure' needs a handler in 'do' that can fail");
    return rule;
  }

  // The handlers that rules on uevents name.
  [[nodiscard]] const std::set<std::uint32_t>& uevent_rows() const { return uevent_rows_; }
  // Those that rules on other helpers of the kernel's name.
  [[nodiscard]] const std::set<std::uint32_t>& helper_rows() const { return helper_rows_; }

 private:
  void expect_somebody_on_record(const char* key, const std::vector<Name>& names,
                                 const std::vector<std::string>& bound) {
    if (names.empty() || anybody_on_record(bound)) return;
    reader_.complain(names.front().place,
                     quoted(key) +
                         " names no container that could be told: only those on record "
                         "are, and not 'anonymous' ones");
  }

  [[nodiscard]] bool anybody_on_record(const std::vector<std::string>& listed) const {
    const auto is_unknown = [&](const std::string& name) {
      return name != policy::kAnyContainer && !draft_.container_places.contains(name);
    };
    return std::ranges::any_of(listed, is_unknown) ||
           std::ranges::any_of(draft_.containers, [&](const policy::ContainerSelector& one) {
             return !one.anonymous && policy::is_among(listed, one.name);
           });
  }

  [[nodiscard]] std::optional<std::uint32_t> bind_uevent_handler(const Name& name,
                                                                 wire::Place place,
                                                                 std::vector<std::string> words) {
    const auto row = bind_handler(name, Scope::containers_only, std::move(words));
    if (!row) return {};
    const auto& handler = draft_.handlers[*row];
    const bool inside = place == wire::Place::container;
    if (is_builtin(handler, kBuiltinCore) || handler.place != place) {
      reader_.complain(name.place,
                       "handler " + quoted(name.text) +
                           (inside ? " must be a program 'in: container' to handle "
                                     "uevents in containers"
                                   : " must be a program 'in: host' to handle uevents, "
                                     "unless the rule says 'to' which containers, or which "
                                     "'container' in its 'when'"));
    } else if (handler.user == wire::User::origin) {
      reader_.complain(name.place, "handler " + quoted(name.text) +
                                       " runs as 'user: origin', and a uevent has no process");
    } else if (handler.authority) {
      reader_.complain(name.place, "handler " + quoted(name.text) +
                                       " has 'authority' over keys, and this is a uevent");
    }
    uevent_rows_.insert(*row);
    return row;
  }

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
      if (!words.empty() && is_action_word(name.text)) {
        reader_.complain(name.place, "no handler " + quoted(name.text) + "; did you mean " +
                                         quoted(words.back()) + "?");
        return {};
      }
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

  void check_kind(const Name& name, std::uint32_t row, Kind kind) {
    const auto& handler = draft_.handlers[row];
    const auto what = name_of(kind);
    if (kind == Kind::usermode_helper) take_for_nobody(name, row);
    if (kind != Kind::coredump && is_builtin(handler, kBuiltinCore)) {
      reader_.complain(name.place,
                       "handler " + quoted(name.text) + " reads core dumps, and this is " + what);
    }
    if (is_builtin(handler, kBuiltinForward) || is_builtin(handler, kBuiltinNode)) {
      reader_.complain(name.place,
                       "handler " + quoted(name.text) + " is for uevents, and this is " + what);
    }
    if (kind != Kind::request_key && handler.authority) {
      reader_.complain(name.place, "handler " + quoted(name.text) +
                                       " has 'authority' over keys, and this is " + what);
    }
  }

  // Most helpers are started for nobody who could be found.
  void take_for_nobody(const Name& name, std::uint32_t row) {
    const auto& handler = draft_.handlers[row];
    helper_rows_.insert(row);
    if (handler.place == wire::Place::host && handler.user != wire::User::origin) return;
    reader_.complain(name.place, "handler " + quoted(name.text) +
                                     " must be 'in: host' and not 'user: origin' to take the place "
                                     "of a helper of the kernel's, which is the host's own");
  }

  // Whoever imitates an event names any device in it.
  void expect_the_kernels_word(const Name& name, const HandlerRow& row,
                               const policy::UeventMatch& when) {
    const auto is_kernels = [](event::UeventClass one) {
      return one == event::UeventClass::kernel || one == event::UeventClass::resync;
    };
    if (!is_builtin(row, kBuiltinNode) || std::ranges::all_of(when.origin, is_kernels)) return;
    reader_.complain(name.place,
                     "handler " + quoted(name.text) +
                         " makes device nodes, on the kernel's word alone: leave all but 'kernel' "
                         "and 'resync' out of the rule's 'class'");
  }

  void expect_no_core(const Name& name, const HandlerRow& row) {
    if (!is_builtin(row, kBuiltinCore)) return;
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
  std::set<std::uint32_t> uevent_rows_;
  std::set<std::uint32_t> helper_rows_;
};

}  // namespace

Settings bind(Reader& reader, Draft draft) {
  Settings out;
  Binder binder{reader, draft};
  for (const auto& rule : draft.rules) out.policy.rules.push_back(binder.bind_rule(rule));
  for (const auto& rule : draft.key_rules) out.policy.key_rules.push_back(binder.bind_rule(rule));
  for (const auto& rule : draft.uevent_rules)
    out.policy.uevent_rules.push_back(binder.bind_rule(rule));
  for (const auto& rule : draft.module_rules)
    out.policy.module_rules.push_back(binder.bind_rule(rule));
  for (const auto& rule : draft.helper_rules)
    out.policy.helper_rules.push_back(binder.bind_rule(rule));
  out.policy.coredump_default =
      binder.bind_action(draft.coredump_default, Scope::anything, Kind::coredump);
  out.policy.request_key_default =
      binder.bind_action(draft.request_key_default, Scope::anything, Kind::request_key);
  if (draft.key_requests_per_second) {
    out.policy.key_requests_per_second = static_cast<std::uint32_t>(*draft.key_requests_per_second);
  }
  out.policy.modprobe_default =
      binder.bind_action(draft.modprobe_default, Scope::anything, Kind::modprobe);
  out.policy.modprobe_absent_denies = draft.modprobe_absent_denies.value_or(false);
  out.policy.helper_default =
      binder.bind_action(draft.helper_default, Scope::anything, Kind::usermode_helper);
  out.policy.helper_absent_denies = draft.helper_absent_denies.value_or(false);
  out.policy.core_pattern_taken = draft.core_pattern_taken.value_or(policy::OnTakeover::report);
  out.policy.handlers = std::move(draft.handlers_of_policy);
  out.policy.containers = std::move(draft.containers);
  out.handlers = std::move(draft.handlers);
  for (const auto row : binder.uevent_rows()) out.handlers[row].uevents = true;
  for (const auto row : binder.helper_rows()) out.handlers[row].helpers = true;
  out.state_directories = std::move(draft.state_directories);
  out.release_agents = std::move(draft.release_agents);
  return out;
}

}  // namespace upcall::settings
