// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "base/text.h"
#include "settings/builtin.h"
#include "settings/draft.h"
#include "settings/fields.h"
#include "settings/units.h"
#include "wire/argument_field.h"

namespace upcall::settings {
namespace {

using namespace std::chrono_literals;
using wire::HandlerRow;
using wire::Place;
using wire::Program;
using wire::Seccomp;
using wire::User;

constexpr std::chrono::milliseconds kShortestTimeout = 1ms;
constexpr std::chrono::milliseconds kLongestTimeout = 1h;
constexpr std::chrono::milliseconds kUsualTimeout = 30s;

// The keys of one handler. How some read depends on others, so they are kept until all are known.
struct HandlerKeys {
  const Value* run{};
  const Value* with{};
  const Value* seccomp{};
  const Value* of_reply{};  // one of the keys that shape it
  Place place{Place::container};
  std::optional<std::chrono::milliseconds> timeout;
};

std::optional<std::chrono::milliseconds> read_timeout(Reader& reader, const Value& value) {
  const auto text = reader.text(value);
  if (!text) return {};
  const auto timeout = parse_duration(*text);
  if (timeout && *timeout >= kShortestTimeout && *timeout <= kLongestTimeout) return timeout;
  reader.complain(value.place, "expected a time from 1ms to 1h, such as 30s (ms, s, min, h)");
  return {};
}

// (uid_t)-1 means "leave as it is" to the kernel.
template <class Id>
std::optional<Id> parse_id(std::string_view text) {
  const auto id = parse_integer<Id>(text);
  return id == std::numeric_limits<Id>::max() ? std::nullopt : id;
}

void read_user(Reader& reader, const Value& value, HandlerRow& row) {
  const auto text = reader.text(value);
  if (!text) return;
  if (text->find(':') == std::string::npos && (*text == "root" || *text == "origin")) {
    row.user = *text == "root" ? User::root : User::origin;
    return;
  }
  std::string_view gid_text = *text;
  const auto uid = parse_id<uid_t>(take_until(gid_text, ':'));
  const auto gid = parse_id<gid_t>(gid_text);
  if (!uid || !gid) {
    return reader.complain(value.place, "expected 'root', 'origin' or numbers, uid:gid" +
                                            did_you_mean(*text, {"root", "origin"}));
  }
  row.user = User::fixed;
  row.uid = *uid;
  row.gid = *gid;
}

void check_placeholder(Reader& reader, const Name& argument, Place place) {
  const auto field = wire::field_of(argument.text);
  if (!field || field->starts_with(kUeventVariable)) return;
  const auto* known =
      std::ranges::find_if(kFields, [&](const Field& one) { return one.name == *field; });
  if (known == kFields.end()) {
    std::vector<std::string> names;
    names.reserve(kFields.size());
    for (const auto& one : kFields) names.emplace_back(one.name);
    return reader.complain(argument.place,
                           "no field " + quoted(*field) + did_you_mean(*field, names));
  }
  if (known->told_to == ToldTo::host_handlers && place != Place::host) {
    reader.complain(argument.place, quoted(*field) + " is told only to handlers 'in: host'");
  }
}

std::vector<Name> read_command(Reader& reader, const Value& run) {
  std::vector<Name> command;
  reader.read_one_or_more(run, [&](const Value& item) {
    if (auto argument = reader.possibly_empty_text(item))
      command.push_back({*std::move(argument), item.place});
  });
  return command;
}

void fill_program(Reader& reader, const std::vector<Name>& command, const HandlerKeys& keys,
                  HandlerRow& row) {
  const auto& path = command.front();
  row.program = keys.place == Place::host ? Program::host : Program::container;
  row.path = path.text;
  for (const auto& argument : command) {
    check_placeholder(reader, argument, keys.place);
    row.arguments.push_back(argument.text);
  }
  if (!path.text.starts_with('/')) {
    reader.complain(path.place, quoted(path.text) +
                                    " is not an absolute path; programs are never searched for");
  } else if (keys.run->kind == Value::Kind::text && path.text.find(' ') != std::string::npos) {
    reader.complain(path.place,
                    "a command is not split at blanks: write a list, [/bin/program, argument]");
  }
  if (keys.with != nullptr) {
    reader.complain(keys.with->place,
                    "'with' is for builtin handlers; give a program arguments in 'run'");
  }
}

using DecodeWith = std::vector<std::string> (*)(Reader&, const Value&);

// Nothing for a name that is none's.
DecodeWith find_builtin(std::string_view name) {
  if (name == kBuiltinCore) return &decode_with_of_core;
  if (name == kBuiltinForward) return &decode_with_of_forward;
  if (name == kBuiltinNode) return &decode_with_of_node;
  return nullptr;
}

void fill_builtin(Reader& reader, const std::vector<Name>& command, const HandlerKeys& keys,
                  HandlerRow& row) {
  const std::string builtin = command.front().text.substr(std::string_view{kBuiltinPrefix}.size());
  const auto decode_with = find_builtin(builtin);
  if (decode_with == nullptr) {
    return reader.complain(command.front().place,
                           "no builtin " + quoted(builtin) +
                               "; there are 'builtin:core', 'builtin:forward' and 'builtin:node'");
  }
  if (command.size() > 1) {
    reader.complain(command[1].place, "a builtin takes no arguments; use 'with'");
  }
  const Value none{.place = command.front().place, .kind = Value::Kind::map};
  row.program = Program::vault;
  row.path = builtin;
  row.arguments = {builtin};
  const Value& with = keys.with != nullptr ? *keys.with : none;
  row.environment = decode_with(reader, with);
  if (builtin == kBuiltinCore) row.timeout = keys.timeout.value_or(kBuiltinCoreTimeout);
}

void read_seccomp(Reader& reader, const HandlerKeys& keys, HandlerRow& row) {
  if (keys.seccomp == nullptr) return;
  assign(row.seccomp, reader.choice(*keys.seccomp, std::map<std::string, Seccomp>{
                                                       {"required", Seccomp::required},
                                                       {"best-effort", Seccomp::best_effort}}));
  if (keys.place == Place::host)
    reader.complain(keys.seccomp->place, "'seccomp' is for handlers in containers");
}

void read_ttl(Reader& reader, const Value& value, policy::Handler& handler) {
  const auto text = reader.text(value);
  if (!text) return;
  const auto seconds = parse_whole_seconds(*text);
  if (!seconds)
    reader.complain(value.place,
                    "expected whole seconds from 1s to 24h, such as 10min (s, min, h)");
  assign(handler.seconds, seconds);
}

void read_max_reply(Reader& reader, const Value& value, policy::Handler& handler) {
  const auto text = reader.text(value);
  if (!text) return;
  const auto size = parse_size(*text);
  if (size && *size >= 1 && *size <= policy::kMaxReply) {
    handler.max_reply = static_cast<std::uint32_t>(*size);
  } else {
    reader.complain(value.place, "expected a size from 1 to " + std::to_string(policy::kMaxReply) +
                                     " bytes, such as 4KiB");
  }
}

HandlerRow decode_handler(Reader& reader, const Name& name, const Value& value,
                          policy::Handler& handler) {
  HandlerKeys keys;
  HandlerRow row{.name = name.text, .user = User::root};
  const auto flag = [&reader](bool& out) {
    return [&reader, &out](const Value& held) { assign(out, reader.boolean(held)); };
  };
  const std::map<std::string, Place> places{{"container", Place::container}, {"host", Place::host}};
  reader.read_map(
      value, {{"run", [&](const Value& held) { keys.run = &held; }},
              {"in", [&](const Value& held) { assign(keys.place, reader.choice(held, places)); }},
              {"user", [&](const Value& held) { read_user(reader, held, row); }},
              {"timeout", [&](const Value& held) { keys.timeout = read_timeout(reader, held); }},
              {"seccomp", [&](const Value& held) { keys.seccomp = &held; }},
              {"with", [&](const Value& held) { keys.with = &held; }},
              {"authority", flag(row.authority)},
              {"kernel_requests", flag(row.kernel_requests)},
              {"nul_terminated",
               [&](const Value& held) {
                 keys.of_reply = &held;
                 assign(handler.nul_terminated, reader.boolean(held));
               }},
              {"max_reply",
               [&](const Value& held) {
                 keys.of_reply = &held;
                 read_max_reply(reader, held, handler);
               }},
              {"ttl", [&](const Value& held) {
                 keys.of_reply = &held;
                 read_ttl(reader, held, handler);
               }}});
  if (row.authority && keys.of_reply != nullptr)
    reader.complain(keys.of_reply->place,
                    "a handler with 'authority' makes the key itself; this is for replies");
  row.place = keys.place;
  read_seccomp(reader, keys, row);
  row.timeout = keys.timeout.value_or(kUsualTimeout);
  if (keys.run == nullptr) {
    if (value.kind == Value::Kind::map)
      reader.complain(name.place, "handler " + quoted(name.text) + " has no 'run'");
    return row;
  }
  const auto command = read_command(reader, *keys.run);
  if (command.empty()) return row;
  const auto fill = command.front().text.starts_with(kBuiltinPrefix) ? fill_builtin : fill_program;
  fill(reader, command, keys, row);
  return row;
}

}  // namespace

void decode_handlers(Reader& reader, const Value& value, Draft& draft) {
  reader.read_entries(value, [&](const Name& name, const Value& held) {
    check_name(reader, name, {"pass", "reject", "deny", "ignore"});
    declare(reader, draft.handler_places, name);
    policy::Handler handler{.name = name.text};
    auto row = decode_handler(reader, name, held, handler);
    handler.place = row.place == wire::Place::host ? policy::Place::host : policy::Place::container;
    handler.briefed = !is_builtin(row, kBuiltinCore);
    handler.program = row.path;
    handler.authority = row.authority;
    draft.handlers.push_back(std::move(row));
    draft.handlers_of_policy.push_back(std::move(handler));
  });
}

}  // namespace upcall::settings
