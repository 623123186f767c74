// SPDX-License-Identifier: Apache-2.0
#include "event/signal_name.h"
#include "settings/rule_keys.h"
#include "settings/units.h"

namespace upcall::settings {
namespace {

constexpr Range kRates{.least = 1, .most = 100'000};

std::vector<std::string> signal_names() {
  std::vector<std::string> names;
  for (int signal = 1; signal < 32; ++signal) names.push_back(event::signal_name(signal));
  return names;
}

std::optional<int> read_signal(Reader& reader, const Value& value) {
  const auto name = reader.text(value);
  if (!name) return {};
  auto signal = event::signal_number(*name);
  if (!signal) {
    reader.complain(value.place,
                    quoted(*name) + " is no signal" + did_you_mean(*name, signal_names()));
  }
  return signal;
}

// The kernel knows the negative answer to a key in whole seconds, of which it takes 0 for none.
std::optional<std::uint32_t> read_seconds(Reader& reader, const Value& value) {
  const auto text = reader.text(value);
  if (!text) return {};
  if (const auto seconds = parse_whole_seconds(*text)) return seconds;
  reader.complain(value.place, "expected whole seconds from 1s to 24h, such as 5s (s, min, h)");
  return {};
}

std::optional<int> read_errno(Reader& reader, const Value& value) {
  const auto text = reader.text(value);
  if (!text) return {};
  if (const auto number = parse_errno(*text)) return number;
  reader.complain(value.place, quoted(*text) + " is no error, such as ENOKEY (errno(3))");
  return {};
}

RuleKeys read_rule_keys(Reader& reader, const Value& value) {
  const std::map<std::string, Kind> kinds{{"coredump", Kind::coredump},
                                          {"request-key", Kind::request_key},
                                          {"modprobe", Kind::modprobe},
                                          {"usermode-helper", Kind::usermode_helper},
                                          {"uevent", Kind::uevent}};
  RuleKeys keys{.name = {.place = value.place}};
  reader.read_map(value,
                  {{"name", [&](const Value& held) { assign(keys.name, reader.name(held)); }},
                   {"on",
                    [&](const Value& held) {
                      keys.has_kind = true;
                      assign(keys.kind, reader.choice(held, kinds));
                    }},
                   {"when", [&](const Value& held) { keys.when = &held; }},
                   {"do",
                    [&](const Value& held) {
                      keys.has_action = true;
                      if (held.kind == Value::Kind::map) {
                        keys.load = &held;
                      } else {
                        keys.actions = read_actions(reader, held);
                      }
                    }},
                   {"to", [&](const Value& held) { keys.to = &held; }},
                   {"on_failure", [&](const Value& held) { keys.on_failure = reader.name(held); }},
                   {"negative", [&](const Value& held) { keys.negative = &held; }}});
  return keys;
}

RuleDraft<policy::Rule> decode_core_dump_rule(Reader& reader, RuleKeys keys) {
  const Value* const conditions = keys.when;
  auto out = draft_of<policy::Rule>(std::move(keys));
  if (conditions == nullptr) return out;
  auto& when = out.rule.when;
  reader.read_map(*conditions, {{"container", container_condition(reader, out.container)},
                                {"signal", condition<read_signal>(reader, when.signal)},
                                {"exe", path_condition(reader, when.exe)},
                                {"tag", text_condition(reader, when.tag)},
                                {"uid", id_condition(reader, when.uid)}});
  return out;
}

policy::Negative decode_negative(Reader& reader, const Value& value) {
  policy::Negative negative;
  reader.read_map(
      value,
      {{"errno", [&](const Value& held) { assign(negative.error, read_errno(reader, held)); }},
       {"for", [&](const Value& held) { assign(negative.seconds, read_seconds(reader, held)); }}});
  return negative;
}

RuleDraft<policy::KeyRule> decode_key_rule(Reader& reader, RuleKeys keys) {
  const Value* const conditions = keys.when;
  const Value* const negative = keys.negative;
  auto out = draft_of<policy::KeyRule>(std::move(keys));
  if (negative != nullptr) out.rule.negative = decode_negative(reader, *negative);
  if (conditions == nullptr) return out;
  auto& when = out.rule.when;
  const std::map<std::string, policy::KeySource> sources{{"user", policy::KeySource::user},
                                                         {"kernel", policy::KeySource::kernel}};
  reader.read_map(
      *conditions,
      {{"container", container_condition(reader, out.container)},
       {"uid", id_condition(reader, when.uid)},
       {"gid", id_condition(reader, when.gid)},
       {"host_uid", id_condition(reader, when.host_uid)},
       {"host_gid", id_condition(reader, when.host_gid)},
       {"tag", text_condition(reader, when.tag)},
       {"origin", [&](const Value& held) { assign(when.source, reader.choice(held, sources)); }},
       {"type", text_condition(reader, when.type)},
       {"description", text_condition(reader, when.description)},
       {"callout", text_condition(reader, when.callout)},
       {"destination", text_condition(reader, when.destination)}});
  return out;
}

UeventRuleDraft decode_uevent_rule(Reader& reader, RuleKeys keys) {
  UeventRuleDraft out{.rule = {.name = keys.name.text},
                      .actions = std::move(keys.actions),
                      .on_failure = std::move(keys.on_failure)};
  if (keys.when != nullptr) out.rule.when = decode_uevent_match(reader, *keys.when, out.container);
  if (keys.to != nullptr) container_condition(reader, out.to)(*keys.to);
  return out;
}

void declare_rule(Reader& reader, Draft& draft, const Name& name) {
  if (name.text.empty()) return;
  if (name.text != policy::kDefaults) {
    declare(reader, draft.rule_places, name);
    return;
  }
  reader.complain(name.place,
                  "'defaults' is how the log names what no rule matched; take another name");
}

void decode_rule(Reader& reader, const Value& value, Draft& draft) {
  auto keys = read_rule_keys(reader, value);
  if (value.kind != Value::Kind::map) return;
  const auto require = [&](bool given, const char* key) {
    if (!given) reader.complain(value.place, std::string{"rule has no '"} + key + '\'');
  };
  require(!keys.name.text.empty(), "name");
  require(keys.has_kind, "on");
  require(keys.has_action, "do");
  declare_rule(reader, draft, keys.name);
  if (keys.negative != nullptr && keys.kind != Kind::request_key)
    reader.complain(keys.negative->place, "'negative' is for rules on request-key");
  if (keys.to != nullptr && keys.kind != Kind::uevent)
    reader.complain(keys.to->place,
                    "'to' is for rules on uevents: others concern the container of "
                    "the process that caused them");
  if (keys.load != nullptr && keys.kind != Kind::modprobe)
    reader.complain(keys.load->place, "'load' is for rules on modprobe");
  if (keys.kind == Kind::modprobe) {
    draft.module_rules.push_back(decode_module_rule(reader, std::move(keys)));
  } else if (keys.kind == Kind::usermode_helper) {
    draft.helper_rules.push_back(decode_helper_rule(reader, std::move(keys)));
  } else if (keys.kind == Kind::request_key) {
    draft.key_rules.push_back(decode_key_rule(reader, std::move(keys)));
  } else if (keys.kind == Kind::uevent) {
    draft.uevent_rules.push_back(decode_uevent_rule(reader, std::move(keys)));
  } else {
    draft.rules.push_back(decode_core_dump_rule(reader, std::move(keys)));
  }
}

}  // namespace

std::vector<Name> read_actions(Reader& reader, const Value& value) {
  std::vector<Name> actions;
  reader.read_one_or_more(value, [&](const Value& item) {
    if (auto name = reader.name(item)) actions.push_back(*std::move(name));
  });
  return actions;
}

void decode_rules(Reader& reader, const Value& value, Draft& draft) {
  reader.read_list(value, [&](const Value& item) { decode_rule(reader, item, draft); });
}

void decode_defaults(Reader& reader, const Value& value, Draft& draft) {
  const std::map<std::string, policy::OnTakeover> takeovers{
      {"report", policy::OnTakeover::report}, {"restore", policy::OnTakeover::restore}};
  const std::map<std::string, bool> absent{{"pass", false}, {"deny", true}};
  // Of two files that both decide, neither is the one that counts.
  const auto once = [&](const char* key, const Take& take) {
    return Key{key, [&reader, &draft, key, take](const Value& held) {
                 if (declare(reader, draft.default_places, {key, held.place})) take(held);
               }};
  };
  reader.read_map(
      value,
      {once("coredump",
            [&](const Value& held) { draft.coredump_default = read_actions(reader, held); }),
       once("request-key",
            [&](const Value& held) { draft.request_key_default = read_actions(reader, held); }),
       once(
           "key_requests_per_second",
           [&](const Value& held) { draft.key_requests_per_second = reader.number(held, kRates); }),
       once("modprobe",
            [&](const Value& held) { draft.modprobe_default = read_actions(reader, held); }),
       once("modprobe_absent",
            [&](const Value& held) { draft.modprobe_absent_denies = reader.choice(held, absent); }),
       once("usermode-helper",
            [&](const Value& held) { draft.helper_default = read_actions(reader, held); }),
       once("usermode_helper_absent",
            [&](const Value& held) { draft.helper_absent_denies = reader.choice(held, absent); }),
       once("core_pattern_taken", [&](const Value& held) {
         draft.core_pattern_taken = reader.choice(held, takeovers);
       })});
}

}  // namespace upcall::settings
