// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <array>
#include <cstdio>

namespace upcall::testing {

std::string quoted(std::string_view text) {
  std::string out{"\""};
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
      out += c;
    } else {
      std::array<char, 8> escape{};
      static_cast<void>(snprintf(escape.data(), escape.size(), "\\u%04x", byte));
      out += escape.data();
    }
  }
  return out + '"';
}

void JsonObject::add_json(std::string_view name, std::string_view value) {
  if (!members_.empty()) members_ += ", ";
  members_ += quoted(name) + ": ";
  members_ += value;
}

void JsonList::add_json(std::string_view value) {
  if (!items_.empty()) items_ += ", ";
  items_ += value;
}

}  // namespace upcall::testing
