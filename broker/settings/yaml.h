// SPDX-License-Identifier: Apache-2.0
// The one door to yaml-cpp: a text becomes a plain tree in which everything knows its place.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "settings/mistakes.h"

namespace upcall::settings {

struct Entry;

// NOLINTBEGIN(misc-no-recursion): a tree is copied and freed as deep as yaml-cpp has read it
struct Value {
  enum class Kind : std::uint8_t { nothing, text, list, map };

  Place place;
  Kind kind{Kind::nothing};
  std::string text;
  std::vector<Value> items;    // of a list
  std::vector<Entry> entries;  // of a map, as written: duplicates included
};

struct Entry {
  Value key;
  Value value;
};
// NOLINTEND(misc-no-recursion)

// The one document of the text; nothing, and a mistake, for any other number and for bad syntax.
[[nodiscard]] std::optional<Value> parse_yaml(const Source& source, Mistakes& mistakes);

}  // namespace upcall::settings
