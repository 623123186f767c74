// SPDX-License-Identifier: Apache-2.0
#include "policy/decide.h"

#include <algorithm>

#include "base/text.h"

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
  if (listed.empty()) return true;
  return container != nullptr &&
         (among(listed, *container) || among<std::string>(listed, kAnyContainer));
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
  if (!when.tag.empty() && !any_glob_matches(when.tag, origin.tag)) return false;
  return when.exe.empty() || any_glob_matches(when.exe, origin.exe);
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
  const auto allow = [](const std::vector<std::string>& globs, const std::string& text) {
    return globs.empty() || any_glob_matches(globs, text);
  };
  return allow(when.tag, subject.event.origin.tag) && allow(when.type, key.type) &&
         allow(when.description, key.description) && allow(when.callout, key.callout) &&
         allow(when.destination, key.destination);
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
  const bool child = origin.user_namespace_depth > 0;
  if (selector.user_namespace == UserNamespace::host && child) return false;
  if (selector.user_namespace == UserNamespace::child && !child) return false;
  if (selector.anonymous && origin.container) return false;
  if (selector.record && !(origin.container && says(*origin.container, *selector.record)))
    return false;
  return glob_allows(selector.cgroup, origin.cgroup);
}

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

}  // namespace

const ContainerSelector* container_of(const Policy& policy, const event::Origin& origin) {
  if (origin.verdict != event::Verdict::in_container) return nullptr;
  for (const auto& selector : policy.containers) {
    if (selects(selector, origin)) return &selector;
  }
  return nullptr;
}

Decision decide(const Policy& policy, const event::Event& event) {
  const auto& origin = event.origin;
  const ContainerSelector* container = container_of(policy, origin);
  const bool inside = origin.verdict == event::Verdict::in_container;
  const Subject subject{.container = container != nullptr ? &container->name : nullptr,
                        .uid = inside ? origin.inner_uid : std::optional{origin.uid},
                        .gid = inside ? origin.inner_gid : std::optional{origin.gid},
                        .event = event};
  auto decision = std::holds_alternative<event::KeyRequest>(event.detail)
                      ? first_match(policy.key_rules, policy.request_key_default, subject)
                      : first_match(policy.rules, policy.coredump_default, subject);
  if (container != nullptr) decision.container = container->name;
  return decision;
}

bool passes_all_key_requests(const Policy& policy) {
  const auto passes = [](const Action& action) { return action.kind == ActionKind::pass; };
  return passes(policy.request_key_default) &&
         std::ranges::all_of(policy.key_rules,
                             [&](const KeyRule& rule) { return passes(rule.action); });
}

}  // namespace upcall::policy
