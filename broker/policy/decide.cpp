// SPDX-License-Identifier: Apache-2.0
#include "policy/decide.h"

#include <algorithm>

#include "base/text.h"
#include "policy/module_name.h"

namespace upcall::policy {
namespace {

// What the conditions are compared with, worked out once for all rules.
struct Subject {
  const std::string* container{};  // nullptr outside every container that the policy names
  // In the ids that `when.uid` and `when.gid` are written in; empty: not translatable.
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  const event::Event& event;
};

template <class T>
bool among(const std::vector<T>& listed, const T& value) {
  return std::ranges::find(listed, value) != listed.end();
}

bool any_glob_matches(const std::vector<std::string>& globs, const std::string& path) {
  return std::ranges::any_of(globs,
                             [&](const std::string& glob) { return glob_matches(glob, path); });
}

bool container_matches(const std::vector<std::string>& listed, const std::string* container) {
  return listed.empty() || (container != nullptr && is_among(listed, *container));
}

bool allow(const std::vector<std::string>& globs, const std::string& text) {
  return globs.empty() || any_glob_matches(globs, text);
}

// Of a user or a group.
bool id_matches(const std::vector<uid_t>& listed, std::optional<uid_t> id) {
  return listed.empty() || (id && among(listed, *id));
}

// Numbers before text, and globs last: most of a thousand rules must fall to a cheap comparison.
bool matches(const CoreDumpMatch& when, const Subject& subject) {
  const auto& signal = std::get<event::CoreDump>(subject.event.detail).signal;
  if (!when.signal.empty() && !(signal && among(when.signal, *signal))) return false;
  if (!id_matches(when.uid, subject.uid)) return false;
  if (!container_matches(when.container, subject.container)) return false;
  const auto& origin = subject.event.origin;
  return allow(when.tag, origin.tag) && allow(when.exe, origin.exe);
}

bool ids_match(const KeyRequestMatch& when, const Subject& subject) {
  const auto& origin = subject.event.origin;
  return id_matches(when.uid, subject.uid) && id_matches(when.gid, subject.gid) &&
         id_matches(when.host_uid, origin.uid) && id_matches(when.host_gid, origin.gid);
}

bool matches(const KeyRequestMatch& when, const Subject& subject) {
  const auto& key = std::get<event::KeyRequest>(subject.event.detail);
  const auto source = key.by_kernel ? KeySource::kernel : KeySource::user;
  if (when.source != KeySource::any && when.source != source) return false;
  if (!ids_match(when, subject)) return false;
  if (!container_matches(when.container, subject.container)) return false;
  return allow(when.tag, subject.event.origin.tag) && allow(when.type, key.type) &&
         allow(when.description, key.description) && allow(when.callout, key.callout) &&
         allow(when.destination, key.destination);
}

bool asker_matches(AskedBy wanted, event::Asker asker) {
  switch (asker) {
    case event::Asker::user:
      return wanted == AskedBy::any || wanted == AskedBy::user;
    case event::Asker::kernel:
      return wanted == AskedBy::any || wanted == AskedBy::kernel;
    case event::Asker::unknown:
      break;
  }
  return wanted == AskedBy::unknown;
}

bool user_namespace_matches(UserNamespace wanted, const event::Origin& origin) {
  const bool child = origin.user_namespace_depth > 0;
  return wanted == UserNamespace::any || (wanted == UserNamespace::child) == child;
}

// The asker may spell it with any '-' or '_', and kmod loads the same module.
bool allow_module_name(const std::vector<std::string>& globs, const std::string& name) {
  if (globs.empty()) return true;
  const auto normalized = normalized_module_name(name);
  return std::ranges::any_of(globs, [&](const std::string& glob) {
    return glob_matches(normalized_module_name(glob), normalized);
  });
}

// Of an unknown asker nothing holds: that his origin is empty does not make him root of the host.
template <class Match>
bool turns_on_asker(const Match& when) {
  return !when.uid.empty() || when.user_namespace != UserNamespace::any ||
         !when.container.empty() || !when.exe.empty() || !when.tag.empty();
}

// What rules on modules and on other helpers ask of who caused them.
template <class Match>
bool asked_by_match(const Match& when, event::Asker asker, const Subject& subject) {
  const auto& origin = subject.event.origin;
  if (!asker_matches(when.asker, asker)) return false;
  if (asker == event::Asker::unknown && turns_on_asker(when)) return false;
  if (!user_namespace_matches(when.user_namespace, origin)) return false;
  if (!id_matches(when.uid, subject.uid)) return false;
  if (!container_matches(when.container, subject.container)) return false;
  return allow(when.exe, origin.exe) && allow(when.tag, origin.tag);
}

bool matches(const HelperMatch& when, const Subject& subject) {
  const auto& request = std::get<event::HelperRequest>(subject.event.detail);
  if (!asked_by_match(when, request.asker, subject)) return false;
  if (!allow(when.path, request.path)) return false;
  const auto is_listed = [&](const std::string& argument) {
    return any_glob_matches(when.argument, argument);
  };
  if (!when.argument.empty() && !std::ranges::any_of(request.arguments, is_listed)) return false;
  return when.cgroup.empty() ||
         (request.release_agent && any_glob_matches(when.cgroup, subject.event.origin.cgroup));
}

bool matches(const ModuleMatch& when, const Subject& subject) {
  const auto& request = std::get<event::ModuleRequest>(subject.event.detail);
  if (!asked_by_match(when, request.asker, subject)) return false;
  if (!allow_module_name(when.alias, request.alias)) return false;
  return when.module.empty() ||
         std::ranges::any_of(request.modules, [&](const std::string& module) {
           return allow_module_name(when.module, module);
         });
}

bool glob_allows(const std::string& glob, const std::string& text) {
  return glob.empty() || glob_matches(glob, text);
}

bool has_label(const event::Container& container, const std::string& name,
               const std::string& glob) {
  const auto label = container.labels.find(name);
  return label != container.labels.end() && glob_matches(glob, label->second);
}

bool says(const event::Container& container, const RecordMatch& match) {
  if (!match.runtime.empty() && !any_glob_matches(match.runtime, container.runtime)) return false;
  return glob_allows(match.name, container.name) && glob_allows(match.image, container.image) &&
         glob_allows(match.pod, container.pod) &&
         glob_allows(match.pod_namespace, container.pod_namespace) &&
         std::ranges::all_of(match.labels, [&](const auto& label) {
           return has_label(container, label.first, label.second);
         });
}

bool selects(const ContainerSelector& selector, const event::Origin& origin) {
  if (!user_namespace_matches(selector.user_namespace, origin)) return false;
  if (selector.anonymous && origin.container) return false;
  if (selector.record && !(origin.container && says(*origin.container, *selector.record)))
    return false;
  return glob_allows(selector.cgroup, origin.cgroup);
}

template <class Rule>
Decision decision_of(const Rule& rule) {
  return {.rule = rule.name, .action = rule.action, .on_failure = rule.on_failure};
}

Decision decision_of(const KeyRule& rule) {
  return {.rule = rule.name,
          .action = rule.action,
          .on_failure = rule.on_failure,
          .negative = rule.negative};
}

template <class Rules>
Decision first_match(const Rules& rules, const Action& otherwise, const Subject& subject) {
  for (const auto& rule : rules) {
    if (matches(rule.when, subject)) return decision_of(rule);
  }
  return {.rule = kDefaults, .action = otherwise};
}

bool is_of_release_agent(const event::Event& event) {
  const auto* helper = std::get_if<event::HelperRequest>(&event.detail);
  return helper != nullptr && helper->release_agent;
}

bool is_inside(const event::Event& event) {
  if (std::holds_alternative<event::ModuleRequest>(event.detail) ||
      std::holds_alternative<event::HelperRequest>(event.detail)) {
    return belongs_to_container(event.origin);
  }
  return event.origin.verdict == event::Verdict::in_container;
}

// Of a cgroup in which nobody is left, only what makes it a container's says so: its record or a
// path of the policy's. Whose users those were, nobody can tell any more.
bool selects_cgroup(const ContainerSelector& selector, const event::Origin& origin) {
  if (origin.cgroup.empty() || selector.user_namespace != UserNamespace::any) return false;
  return (origin.container || !selector.cgroup.empty()) && selects(selector, origin);
}

template <class Selects>
const ContainerSelector* first_selector(const Policy& policy, Selects selects) {
  const auto found = std::ranges::find_if(policy.containers, selects);
  return found == policy.containers.end() ? nullptr : &*found;
}

const ContainerSelector* selector_of(const Policy& policy, const event::Origin& origin) {
  return first_selector(policy, [&](const auto& selector) { return selects(selector, origin); });
}

const ContainerSelector* selector_of_event(const Policy& policy, const event::Event& event) {
  if (!is_of_release_agent(event))
    return is_inside(event) ? selector_of(policy, event.origin) : nullptr;
  return first_selector(
      policy, [&](const auto& selector) { return selects_cgroup(selector, event.origin); });
}

// Nothing is passed on for somebody who is not known, unless a rule says so.
Action default_for(event::Asker asker, const Action& otherwise) {
  return asker == event::Asker::unknown ? Action{.kind = ActionKind::reject} : otherwise;
}

Decision decide_by_kind(const Policy& policy, const Subject& subject) {
  const auto& detail = subject.event.detail;
  if (const auto* request = std::get_if<event::ModuleRequest>(&detail))
    return first_match(policy.module_rules, default_for(request->asker, policy.modprobe_default),
                       subject);
  if (const auto* request = std::get_if<event::HelperRequest>(&detail))
    return first_match(policy.helper_rules, default_for(request->asker, policy.helper_default),
                       subject);
  if (std::holds_alternative<event::KeyRequest>(detail))
    return first_match(policy.key_rules, policy.request_key_default, subject);
  return first_match(policy.rules, policy.coredump_default, subject);
}

}  // namespace

const ContainerSelector* container_of(const Policy& policy, const event::Origin& origin) {
  return origin.verdict == event::Verdict::in_container ? selector_of(policy, origin) : nullptr;
}

bool is_among(const std::vector<std::string>& listed, const std::string& container) {
  return !container.empty() &&
         (among(listed, container) || among<std::string>(listed, kAnyContainer));
}

bool may_be_among(const Policy& policy, const std::vector<std::string>& listed,
                  const event::Container& record) {
  return std::ranges::any_of(policy.containers, [&](const ContainerSelector& selector) {
    return is_among(listed, selector.name) && !selector.anonymous &&
           (!selector.record || says(record, *selector.record));
  });
}

Decision decide(const Policy& policy, const event::Event& event) {
  const auto& origin = event.origin;
  const bool inside = is_inside(event);
  const ContainerSelector* container = selector_of_event(policy, event);
  const Subject subject{.container = container != nullptr ? &container->name : nullptr,
                        .uid = inside ? origin.inner_uid : std::optional{origin.uid},
                        .gid = inside ? origin.inner_gid : std::optional{origin.gid},
                        .event = event};
  auto decision = decide_by_kind(policy, subject);
  if (container != nullptr) decision.container = container->name;
  return decision;
}

bool passes_all_key_requests(const Policy& policy) {
  const auto passes = [](const Action& action) { return action.kind == ActionKind::pass; };
  return passes(policy.request_key_default) &&
         std::ranges::all_of(policy.key_rules,
                             [&](const KeyRule& rule) { return passes(rule.action); });
}

bool rules_on_modules(const Policy& policy) {
  return !policy.module_rules.empty() || policy.modprobe_default.kind != ActionKind::pass;
}

bool rules_on_helpers(const Policy& policy) {
  return !policy.helper_rules.empty() || policy.helper_default.kind != ActionKind::pass;
}

bool needs_module_names(const Policy& policy) {
  return std::ranges::any_of(policy.module_rules,
                             [](const ModuleRule& rule) { return !rule.when.module.empty(); });
}

}  // namespace upcall::policy
