// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

namespace upcall {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

void append_printable(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (byte >= 0x20 && byte < 0x7f) {
    out += c;
  } else {
    out += "\\x";
    out += kHex[byte >> 4U];
    out += kHex[byte & 0xfU];
  }
}

// One element of a pattern other than a star: does it match the next byte, and how long is it?
struct Element {
  bool matches;
  std::size_t length;
};

Element bracket_element(std::string_view pattern, char c) {
  std::size_t at = 1;
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) ++at;
  bool found = false;
  for (bool first = true; at < pattern.size() && (first || pattern[at] != ']'); first = false) {
    const char low = pattern[at];
    char high = low;
    if (at + 2 < pattern.size() && pattern[at + 1] == '-' && pattern[at + 2] != ']') {
      high = pattern[at + 2];
      at += 2;
    }
    found = found || (low <= c && c <= high);
    ++at;
  }
  if (at >= pattern.size()) return {.matches = c == '[', .length = 1};  // no ']': an ordinary '['
  return {.matches = found != negated && c != '/', .length = at + 1};
}

Element element(std::string_view pattern, std::string_view text) {
  if (pattern.empty() || text.empty()) return {.matches = false, .length = 0};
  const char c = text[0];
  if (pattern[0] == '?') return {.matches = c != '/', .length = 1};
  if (pattern[0] == '[') return bracket_element(pattern, c);
  if (pattern[0] == '\\' && pattern.size() > 1) return {.matches = pattern[1] == c, .length = 2};
  return {.matches = pattern[0] == c, .length = 1};
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (const char c : text.substr(0, limit)) append_printable(out, c);
  if (text.size() > limit) out += "...";
  return out;
}

std::string_view take_until(std::string_view& rest, char separator) {
  const auto at = rest.find(separator);
  const auto taken = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return taken;
}

std::string_view take_word(std::string_view& rest) {
  constexpr std::string_view kBlanks = " \t\n";
  const auto begin = rest.find_first_not_of(kBlanks);
  rest.remove_prefix(begin == std::string_view::npos ? rest.size() : begin);
  const auto word = rest.substr(0, rest.find_first_of(kBlanks));
  rest.remove_prefix(word.size());
  return word;
}

bool glob_matches(std::string_view pattern, std::string_view text) {
  // Where to go on when an element fails: one for the last `*`, one for the last `**`. Only the
  // latest of each matters, which is what keeps this polynomial.
  struct Retry {
    std::size_t pattern{std::string_view::npos};
    std::size_t text{0};

    [[nodiscard]] bool is_possible(std::string_view whole) const {
      return pattern != std::string_view::npos && text < whole.size();
    }
  } star, double_star;
  std::size_t p = 0;
  std::size_t t = 0;
  while (t < text.size() || p < pattern.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      const bool crosses = pattern.substr(p, 2) == "**";
      p += crosses ? 2 : 1;
      (crosses ? double_star : star) = {.pattern = p, .text = t};
      if (crosses) star = {};
      continue;
    }
    if (const auto next = element(pattern.substr(p), text.substr(t)); next.matches) {
      p += next.length;
      ++t;
      continue;
    }
    if (star.is_possible(text) && text[star.text] != '/') {
      t = ++star.text;
      p = star.pattern;
    } else if (double_star.is_possible(text)) {
      t = ++double_star.text;
      p = double_star.pattern;
      star = {};
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace upcall
