// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "event/signal_name.h"
#include "settings/draft.h"

namespace upcall::settings {
namespace {

constexpr Range kIds{.least = 0, .most = std::numeric_limits<uid_t>::max() - 1};

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

// One condition: each value that reads well is appended.
template <class T, class ReadOne>
Take condition(Reader& reader, std::vector<T>& out, ReadOne read_one) {
  return [&reader, &out, read_one](const Value& value) {
    reader.read_one_or_more(value, [&](const Value& item) {
      if (auto one = read_one(item)) out.push_back(static_cast<T>(*std::move(one)));
    });
  };
}

void decode_when(Reader& reader, const Value& value, RuleDraft& out) {
  auto& when = out.rule.when;
  reader.read_map(
      value,
      {{"container",
        condition(reader, out.container, [&](const Value& item) { return reader.name(item); })},
       {"signal", condition(reader, when.signal,
                            [&](const Value& item) { return read_signal(reader, item); })},
       {"exe", condition(reader, when.exe,
                         [&](const Value& item) { return read_path_glob(reader, item); })},
       {"tag", condition(reader, when.tag, [&](const Value& item) { return reader.text(item); })},
       {"uid", condition(reader, when.uid,
                         [&](const Value& item) { return reader.number(item, kIds); })}});
}

void decode_rule(Reader& reader, const Value& value, Draft& draft) {
  RuleDraft out{.name = {.place = value.place}};
  bool has_kind = false;
  bool has_action = false;
  reader.read_map(value,
                  {{"name", [&](const Value& held) { assign(out.name, reader.name(held)); }},
                   {"on",
                    [&](const Value& held) {
                      has_kind = true;
                      (void)reader.choice<bool>(held, {{"coredump", true}});
                    }},
                   {"when", [&](const Value& held) { decode_when(reader, held, out); }},
                   {"do",
                    [&](const Value& held) {
                      has_action = true;
                      out.actions = read_actions(reader, held);
                    }},
                   {"on_failure", [&](const Value& held) { out.on_failure = reader.name(held); }}});
  if (value.kind != Value::Kind::map) return;
  const auto require = [&](bool given, const char* key) {
    if (!given) reader.complain(value.place, std::string{"rule has no '"} + key + '\'');
  };
  require(!out.name.text.empty(), "name");
  require(has_kind, "on");
  require(has_action, "do");
  out.rule.name = out.name.text;
  draft.rules.push_back(std::move(out));
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

}  // namespace

std::vector<Name> read_actions(Reader& reader, const Value& value) {
  std::vector<Name> actions;
  reader.read_one_or_more(value, [&](const Value& item) {
    if (auto name = reader.name(item)) actions.push_back(*std::move(name));
  });
  return actions;
}

void decode_rules(Reader& reader, const Value& value, Draft& draft) {
  reader.read_list(value, [&](const Value& item) {
    const auto before = draft.rules.size();
    decode_rule(reader, item, draft);
    if (draft.rules.size() > before) declare_rule(reader, draft, draft.rules.back().name);
  });
}

void decode_defaults(Reader& reader, const Value& value, Draft& draft) {
  const std::map<std::string, policy::OnTakeover> takeovers{
      {"report", policy::OnTakeover::report}, {"restore", policy::OnTakeover::restore}};
  // Of two files that both decide, neither is the one that counts.
  const auto once = [&](const char* key, const Take& take) {
    return Key{key, [&reader, &draft, key, take](const Value& held) {
                 if (declare(reader, draft.default_places, {key, held.place})) take(held);
               }};
  };
  reader.read_map(
      value, {once("coredump",
                   [&](const Value& held) { draft.coredump_default = read_actions(reader, held); }),
              once("core_pattern_taken", [&](const Value& held) {
                draft.core_pattern_taken = reader.choice(held, takeovers);
              })});
}

}  // namespace upcall::settings
