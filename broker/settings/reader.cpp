// SPDX-License-Identifier: Apache-2.0
#include "settings/reader.h"

#include <algorithm>

#include "base/text.h"

namespace upcall::settings {
namespace {

constexpr std::size_t kLongestQuoted = 80;

const char* describe_kind(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::nothing:
      return "nothing";
    case Value::Kind::text:
      return "text";
    case Value::Kind::list:
      return "a list";
    case Value::Kind::map:
      break;
  }
  return "a map";
}

std::vector<std::string> names_of(std::span<const Key> keys) {
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (const auto& key : keys) names.emplace_back(key.name);
  return names;
}

std::string unknown_key(const std::string& wrong, std::span<const Key> keys) {
  const auto names = names_of(keys);
  const auto near = did_you_mean(wrong, names);
  return "unknown key " + quoted(wrong) + (near.empty() ? "; expected " + enumerate(names) : near);
}

}  // namespace

std::string quoted(std::string_view text) { return '\'' + printable(text, kLongestQuoted) + '\''; }

bool Reader::expect(const Value& value, Value::Kind kind) {
  if (value.kind == kind) return true;
  complain(value.place,
           std::string{"expected "} + describe_kind(kind) + ", not " + describe_kind(value.kind));
  return false;
}

void Reader::read_map(const Value& value, std::span<const Key> keys) {
  std::map<std::string, Place> seen;
  read_entries(value, [&](const Name& name, const Value& held) {
    const auto key =
        std::ranges::find_if(keys, [&](const Key& one) { return one.name == name.text; });
    if (key == keys.end()) return complain(name.place, unknown_key(name.text, keys));
    const auto [first, is_new] = seen.emplace(name.text, name.place);
    if (is_new) return key->take(held);
    complain(name.place,
             quoted(name.text) + " is given twice; first at " + describe(first->second));
  });
}

void Reader::read_entries(const Value& value,
                          const std::function<void(const Name&, const Value&)>& take) {
  if (!expect(value, Value::Kind::map)) return;
  for (const auto& [key, held] : value.entries) {
    if (const auto known = name(key)) take(*known, held);
  }
}

void Reader::read_list(const Value& value, const Take& take) {
  if (!expect(value, Value::Kind::list)) return;
  for (const auto& item : value.items) take(item);
}

void Reader::read_one_or_more(const Value& value, const Take& take) {
  if (value.kind != Value::Kind::list) return take(value);
  if (value.items.empty())
    complain(value.place, "an empty list would match nothing; leave the key out");
  read_list(value, take);
}

std::optional<std::string> Reader::possibly_empty_text(const Value& value) {
  if (!expect(value, Value::Kind::text)) return {};
  // Arguments and variables end at a NUL: what follows would silently be lost.
  if (value.text.find('\0') == std::string::npos) return value.text;
  complain(value.place, "text cannot contain a NUL byte");
  return {};
}

std::optional<std::string> Reader::text(const Value& value) {
  auto found = possibly_empty_text(value);
  if (!found || !found->empty()) return found;
  complain(value.place, "text must not be empty here");
  return {};
}

std::optional<Name> Reader::name(const Value& value) {
  auto found = text(value);
  if (!found) return {};
  return Name{.text = *std::move(found), .place = value.place};
}

std::optional<bool> Reader::boolean(const Value& value) {
  return choice<bool>(value, {{"true", true}, {"false", false}});
}

std::optional<std::int64_t> Reader::number(const Value& value, Range range) {
  if (value.kind == Value::Kind::text) {
    const auto found = parse_integer<std::int64_t>(value.text);
    if (found && *found >= range.least && *found <= range.most) return found;
  }
  complain(value.place, "expected a whole number from " + std::to_string(range.least) + " to " +
                            std::to_string(range.most));
  return {};
}

}  // namespace upcall::settings
