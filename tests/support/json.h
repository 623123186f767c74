// SPDX-License-Identifier: Apache-2.0
// As much JSON as the programs need that tell tests what they saw. Bytes are written as Latin-1:
// one byte, one character.
#pragma once

#include <string>
#include <string_view>

namespace upcall::testing {

[[nodiscard]] std::string quoted(std::string_view text);

// An object that is put together member by member.
class JsonObject {
 public:
  void add(std::string_view name, std::string_view text) { add_json(name, quoted(text)); }
  void add_json(std::string_view name, std::string_view value);
  [[nodiscard]] std::string text() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

class JsonList {
 public:
  void add(std::string_view text) { add_json(quoted(text)); }
  void add_json(std::string_view value);
  [[nodiscard]] std::string text() const { return "[" + items_ + "]"; }

 private:
  std::string items_;
};

}  // namespace upcall::testing
