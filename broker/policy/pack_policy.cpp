// SPDX-License-Identifier: Apache-2.0
#include "base/pack.h"
#include "policy/policy.h"

namespace upcall::policy {
namespace {

constexpr std::uint64_t kMagic = 0x3630494c4f505055;  // "UPPOLI06"

void put_texts(Packer& out, const std::vector<std::string>& texts) {
  out.put_list(texts, [&](const std::string& text) { out.put_text(text); });
}

template <class T>
void put_numbers(Packer& out, const std::vector<T>& numbers) {
  out.put_list(numbers, [&](T number) { out.put(number); });
}

void put_action(Packer& out, const Action& action) {
  out.put(action.kind);
  put_numbers(out, action.handlers);
  out.put_text(action.module);
}

void put_row(Packer& out, const std::optional<std::uint32_t>& row) {
  out.put(row.has_value());
  out.put(row.value_or(0));
}

void put_record(Packer& out, const RecordMatch& record) {
  put_texts(out, record.runtime);
  for (const auto* text : {&record.name, &record.image, &record.pod, &record.pod_namespace})
    out.put_text(*text);
  out.put_list(record.labels, [&](const auto& label) {
    out.put_text(label.first);
    out.put_text(label.second);
  });
}

void put_container(Packer& out, const ContainerSelector& container) {
  out.put_text(container.name);
  out.put_text(container.cgroup);
  out.put(container.user_namespace);
  out.put(container.anonymous);
  out.put(container.record.has_value());
  if (container.record) put_record(out, *container.record);
}

void put_rule(Packer& out, const Rule& rule) {
  out.put_text(rule.name);
  put_texts(out, rule.when.container);
  put_numbers(out, rule.when.signal);
  put_texts(out, rule.when.exe);
  put_texts(out, rule.when.tag);
  put_numbers(out, rule.when.uid);
  put_action(out, rule.action);
  put_row(out, rule.on_failure);
}

void put_key_rule(Packer& out, const KeyRule& rule) {
  out.put_text(rule.name);
  const auto& when = rule.when;
  for (const auto* ids : {&when.uid, &when.gid, &when.host_uid, &when.host_gid})
    put_numbers(out, *ids);
  out.put(when.source);
  for (const auto* texts : {&when.container, &when.tag, &when.type, &when.description,
                            &when.callout, &when.destination}) {
    put_texts(out, *texts);
  }
  put_action(out, rule.action);
  put_row(out, rule.on_failure);
  out.put(rule.negative.error);
  out.put(rule.negative.seconds);
}

void put_module_rule(Packer& out, const ModuleRule& rule) {
  out.put_text(rule.name);
  put_numbers(out, rule.when.uid);
  out.put(rule.when.user_namespace);
  out.put(rule.when.asker);
  for (const auto* texts : {&rule.when.container, &rule.when.alias, &rule.when.module,
                            &rule.when.exe, &rule.when.tag}) {
    put_texts(out, *texts);
  }
  put_action(out, rule.action);
  put_row(out, rule.on_failure);
}

void put_helper_rule(Packer& out, const HelperRule& rule) {
  out.put_text(rule.name);
  const auto& when = rule.when;
  put_numbers(out, when.uid);
  out.put(when.user_namespace);
  out.put(when.asker);
  for (const auto* texts :
       {&when.container, &when.path, &when.argument, &when.cgroup, &when.exe, &when.tag}) {
    put_texts(out, *texts);
  }
  put_action(out, rule.action);
  put_row(out, rule.on_failure);
}

void put_handler(Packer& out, const Handler& handler) {
  out.put_text(handler.name);
  out.put(handler.place);
  out.put(handler.authority);
  out.put(handler.nul_terminated);
  out.put(handler.seconds);
  out.put(handler.max_reply);
  out.put(handler.briefed);
  out.put_text(handler.program);
}

void put_uevent_match(Packer& out, const UeventMatch& when) {
  for (const auto* globs :
       {&when.action, &when.subsystem, &when.devtype, &when.devpath, &when.driver})
    put_texts(out, *globs);
  for (const auto* conditions : {&when.env, &when.attr}) {
    out.put_list(*conditions, [&](const auto& condition) {
      out.put_text(condition.first);
      put_texts(out, condition.second);
    });
  }
  put_numbers(out, when.origin);
  put_texts(out, when.container);
}

void put_uevent_rule(Packer& out, const UeventRule& rule) {
  out.put_text(rule.name);
  put_uevent_match(out, rule.when);
  put_texts(out, rule.to);
  put_numbers(out, rule.handlers);
  out.put(rule.on_failure.has_value());
  out.put(rule.on_failure.value_or(0));
}

std::vector<std::string> get_texts(Unpacker& in) {
  return in.get_list([&] { return in.get_text(); });
}

template <class T>
std::vector<T> get_numbers(Unpacker& in) {
  return in.get_list([&] { return in.get<T>(); });
}

// By way of a byte: any bool but 0 and 1 is undefined behaviour.
bool get_bool(Unpacker& in) { return in.get<std::uint8_t>() != 0; }

Action get_action(Unpacker& in) {
  Action action;
  action.kind = in.get<ActionKind>();
  action.handlers = get_numbers<std::uint32_t>(in);
  action.module = in.get_text();
  return action;
}

std::optional<std::uint32_t> get_row(Unpacker& in) {
  const bool is_one = get_bool(in);
  const auto row = in.get<std::uint32_t>();
  return is_one ? std::optional{row} : std::nullopt;
}

RecordMatch get_record(Unpacker& in) {
  RecordMatch record{.runtime = get_texts(in)};
  for (auto* text : {&record.name, &record.image, &record.pod, &record.pod_namespace})
    *text = in.get_text();
  const auto labels = in.get_list([&] {
    auto name = in.get_text();
    return std::pair{std::move(name), in.get_text()};
  });
  record.labels = {labels.begin(), labels.end()};
  return record;
}

ContainerSelector get_container(Unpacker& in) {
  ContainerSelector container;
  container.name = in.get_text();
  container.cgroup = in.get_text();
  container.user_namespace = in.get<UserNamespace>();
  container.anonymous = get_bool(in);
  if (get_bool(in)) container.record = get_record(in);
  return container;
}

Rule get_rule(Unpacker& in) {
  Rule rule;
  rule.name = in.get_text();
  rule.when.container = get_texts(in);
  rule.when.signal = get_numbers<int>(in);
  rule.when.exe = get_texts(in);
  rule.when.tag = get_texts(in);
  rule.when.uid = get_numbers<uid_t>(in);
  rule.action = get_action(in);
  rule.on_failure = get_row(in);
  return rule;
}

KeyRule get_key_rule(Unpacker& in) {
  KeyRule rule;
  rule.name = in.get_text();
  auto& when = rule.when;
  for (auto* ids : {&when.uid, &when.gid, &when.host_uid, &when.host_gid})
    *ids = get_numbers<uid_t>(in);
  when.source = in.get<KeySource>();
  for (auto* texts : {&when.container, &when.tag, &when.type, &when.description, &when.callout,
                      &when.destination}) {
    *texts = get_texts(in);
  }
  rule.action = get_action(in);
  rule.on_failure = get_row(in);
  rule.negative.error = in.get<int>();
  rule.negative.seconds = in.get<std::uint32_t>();
  return rule;
}

ModuleRule get_module_rule(Unpacker& in) {
  ModuleRule rule;
  rule.name = in.get_text();
  rule.when.uid = get_numbers<uid_t>(in);
  rule.when.user_namespace = in.get<UserNamespace>();
  rule.when.asker = in.get<AskedBy>();
  for (auto* texts : {&rule.when.container, &rule.when.alias, &rule.when.module, &rule.when.exe,
                      &rule.when.tag}) {
    *texts = get_texts(in);
  }
  rule.action = get_action(in);
  rule.on_failure = get_row(in);
  return rule;
}

HelperRule get_helper_rule(Unpacker& in) {
  HelperRule rule;
  rule.name = in.get_text();
  auto& when = rule.when;
  when.uid = get_numbers<uid_t>(in);
  when.user_namespace = in.get<UserNamespace>();
  when.asker = in.get<AskedBy>();
  for (auto* texts :
       {&when.container, &when.path, &when.argument, &when.cgroup, &when.exe, &when.tag}) {
    *texts = get_texts(in);
  }
  rule.action = get_action(in);
  rule.on_failure = get_row(in);
  return rule;
}

Handler get_handler(Unpacker& in) {
  Handler handler;
  handler.name = in.get_text();
  handler.place = in.get<Place>();
  handler.authority = get_bool(in);
  handler.nul_terminated = get_bool(in);
  handler.seconds = in.get<std::uint32_t>();
  handler.max_reply = in.get<std::uint32_t>();
  handler.briefed = get_bool(in);
  handler.program = in.get_text();
  return handler;
}

UeventMatch get_uevent_match(Unpacker& in) {
  UeventMatch when;
  for (auto* globs : {&when.action, &when.subsystem, &when.devtype, &when.devpath, &when.driver})
    *globs = get_texts(in);
  for (auto* conditions : {&when.env, &when.attr}) {
    const auto named = in.get_list([&] {
      auto name = in.get_text();
      return std::pair{std::move(name), get_texts(in)};
    });
    *conditions = {named.begin(), named.end()};
  }
  when.origin = get_numbers<event::UeventClass>(in);
  when.container = get_texts(in);
  return when;
}

UeventRule get_uevent_rule(Unpacker& in) {
  UeventRule rule{.name = in.get_text()};
  rule.when = get_uevent_match(in);
  rule.to = get_texts(in);
  rule.handlers = get_numbers<std::uint32_t>(in);
  const bool has_on_failure = get_bool(in);
  const auto on_failure = in.get<std::uint32_t>();
  if (has_on_failure) rule.on_failure = on_failure;
  return rule;
}

}  // namespace

std::vector<std::byte> pack_policy(const Policy& policy) {
  Packer out;
  out.put(kMagic);
  out.put_list(policy.containers, [&](const auto& container) { put_container(out, container); });
  out.put_list(policy.handlers, [&](const Handler& handler) { put_handler(out, handler); });
  out.put_list(policy.rules, [&](const Rule& rule) { put_rule(out, rule); });
  out.put_list(policy.key_rules, [&](const KeyRule& rule) { put_key_rule(out, rule); });
  out.put_list(policy.uevent_rules, [&](const UeventRule& rule) { put_uevent_rule(out, rule); });
  out.put_list(policy.module_rules, [&](const ModuleRule& rule) { put_module_rule(out, rule); });
  out.put_list(policy.helper_rules, [&](const HelperRule& rule) { put_helper_rule(out, rule); });
  put_action(out, policy.coredump_default);
  put_action(out, policy.request_key_default);
  out.put(policy.key_requests_per_second);
  put_action(out, policy.modprobe_default);
  out.put(policy.modprobe_absent_denies);
  put_action(out, policy.helper_default);
  out.put(policy.helper_absent_denies);
  out.put(policy.core_pattern_taken);
  return {out.bytes().begin(), out.bytes().end()};
}

Result<Policy> unpack_policy(std::span<const std::byte> bytes) {
  Unpacker in{bytes};
  if (in.get<std::uint64_t>() != kMagic) return from_errno("read the policy", EBADMSG);
  Policy policy;
  policy.containers = in.get_list([&] { return get_container(in); });
  policy.handlers = in.get_list([&] { return get_handler(in); });
  policy.rules = in.get_list([&] { return get_rule(in); });
  policy.key_rules = in.get_list([&] { return get_key_rule(in); });
  policy.uevent_rules = in.get_list([&] { return get_uevent_rule(in); });
  policy.module_rules = in.get_list([&] { return get_module_rule(in); });
  policy.helper_rules = in.get_list([&] { return get_helper_rule(in); });
  policy.coredump_default = get_action(in);
  policy.request_key_default = get_action(in);
  policy.key_requests_per_second = in.get<std::uint32_t>();
  policy.modprobe_default = get_action(in);
  policy.modprobe_absent_denies = get_bool(in);
  policy.helper_default = get_action(in);
  policy.helper_absent_denies = get_bool(in);
  policy.core_pattern_taken = in.get<OnTakeover>();
  if (!in.finished()) return from_errno("read the policy", EBADMSG);
  return policy;
}

}  // namespace upcall::policy
