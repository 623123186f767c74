// SPDX-License-Identifier: Apache-2.0
#include "settings/draft.h"

#include <algorithm>

namespace upcall::settings {
namespace {

constexpr std::string_view kAlphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_.-";

}  // namespace

bool declare(Reader& reader, std::map<std::string, Place>& places, const Name& name) {
  const auto [first, is_new] = places.emplace(name.text, name.place);
  if (is_new) return true;
  reader.complain(name.place,
                  quoted(name.text) + " is given twice; first at " + describe(first->second));
  return false;
}

bool check_name(Reader& reader, const Name& name, const std::vector<std::string>& reserved) {
  if (std::ranges::find(reserved, name.text) != reserved.end()) {
    reader.complain(name.place, quoted(name.text) + " has a meaning of its own; take another name");
    return false;
  }
  const bool allowed = kAlphanumeric.find(name.text.front()) != std::string_view::npos &&
                       name.text.find_first_not_of(kNameCharacters) == std::string::npos;
  if (!allowed) {
    reader.complain(
        name.place,
        quoted(name.text) + " is no name: use a-z, 0-9 and, but for the start, '_', '.', '-'");
  }
  return allowed;
}

std::optional<std::string> read_path_glob(Reader& reader, const Value& value) {
  auto glob = reader.text(value);
  if (!glob || glob->starts_with('/') || glob->starts_with("**")) return glob;
  reader.complain(value.place,
                  quoted(*glob) + " matches no path: start it with '/' or '**' ('*' stops at '/')");
  return {};
}

}  // namespace upcall::settings
