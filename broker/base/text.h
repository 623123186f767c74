// SPDX-License-Identifier: Apache-2.0
// Text from outside: made safe to show, and turned into numbers without surprises.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>

namespace upcall {

// The text with every byte that could forge a log line or drive a terminal written as \xNN, quotes
// and backslashes escaped. What is printable ASCII stays. Cut to `limit` bytes of input, with "..."
// then.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 256);

// The whole of `text` as a number, or nothing: no blanks, no sign where T has none, no overflow.
template <std::integral T>
[[nodiscard]] std::optional<T> parse_integer(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return {};
  return value;
}

// The text between two positions of the separator; takes it off the front of `rest`.
[[nodiscard]] std::string_view take_until(std::string_view& rest, char separator);

// The next word, which blanks, tabs and ends of lines separate; takes it off the front of `rest`.
// Empty when there is none.
[[nodiscard]] std::string_view take_word(std::string_view& rest);

// Shell-style matching on bytes: `?` one, `*` any but '/', `**` any at all, `[a-z]`, `[!a-z]`,
// `\x`. Linear in text for each `*`: two-pointer backtracking, never exponential.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace upcall
