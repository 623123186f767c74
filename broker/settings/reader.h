// SPDX-License-Identifier: Apache-2.0
// Typed reading of a tree: every function gives a value or notes a mistake at its place, and never
// stops.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "settings/suggest.h"
#include "settings/yaml.h"

namespace upcall::settings {

// A text and where it was written, for what can only be checked once everything is read.
struct Name {
  std::string text;
  Place place;
};

using Take = std::function<void(const Value&)>;

struct Key {
  const char* name;
  Take take;
};

struct Range {
  std::int64_t least;
  std::int64_t most;
};

template <class T>
void assign(T& out, std::optional<T> value) {
  if (value) out = *std::move(value);
}

// The text in single quotes, safe to show and short.
[[nodiscard]] std::string quoted(std::string_view text);

class Reader {
 public:
  explicit Reader(Mistakes& mistakes) : mistakes_{mistakes} {}

  void complain(const Place& place, std::string message) {
    mistakes_.add(place, std::move(message));
  }

  // A key which nobody takes, or which comes twice, is a mistake, since a mistyped key that is
  // silently ignored turns a restriction off.
  void read_map(const Value& value, std::span<const Key> keys);
  void read_map(const Value& value, std::initializer_list<Key> keys) {
    read_map(value, std::span{keys.begin(), keys.size()});
  }
  // A map whose keys are names of the policy's own choice.
  void read_entries(const Value& value, const std::function<void(const Name&, const Value&)>& take);
  // A list; nothing else stands for it.
  void read_list(const Value& value, const Take& take);
  // "One of": a list that is not empty, or one value in its place.
  void read_one_or_more(const Value& value, const Take& take);

  [[nodiscard]] std::optional<std::string> text(const Value& value);  // not empty
  [[nodiscard]] std::optional<std::string> possibly_empty_text(const Value& value);
  [[nodiscard]] std::optional<Name> name(const Value& value);
  [[nodiscard]] std::optional<bool> boolean(const Value& value);
  [[nodiscard]] std::optional<std::int64_t> number(const Value& value, Range range);

  template <class E>
  [[nodiscard]] std::optional<E> choice(const Value& value,
                                        const std::map<std::string, E>& choices) {
    const auto chosen = text(value);
    if (!chosen) return {};
    const auto known = choices.find(*chosen);
    if (known != choices.end()) return known->second;
    std::vector<std::string> names;
    names.reserve(choices.size());
    for (const auto& [each, meaning] : choices) names.push_back(each);
    complain(value.place, "expected " + enumerate(names) + did_you_mean(*chosen, names));
    return {};
  }

 private:
  bool expect(const Value& value, Value::Kind kind);

  Mistakes& mistakes_;
};

}  // namespace upcall::settings
