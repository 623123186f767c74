// SPDX-License-Identifier: Apache-2.0
#include "cli/request_key_conf.h"

#include <algorithm>
#include <cctype>
#include <ranges>

#include "base/text.h"

namespace upcall::cli {
namespace {

constexpr std::string_view kCreate = "create";
constexpr std::string_view kNegate = "negate";
// What request-key has room for.
constexpr std::size_t kLongestLine = 4096;
constexpr std::size_t kMostArguments = 253;

bool is_blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

bool is_printable(char c) { return c == '\t' || (c >= ' ' && c <= '~'); }

std::string literal(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (auto word = take_word(line); !word.empty(); word = take_word(line)) words.emplace_back(word);
  return words;
}

// What keeps the words of one line from being used; empty when nothing does.
std::string mistake_in(const std::vector<std::string>& words) {
  constexpr std::size_t kLeast = 5;
  if (words.size() < kLeast) return "expected OPERATION TYPE DESCRIPTION CALLOUT PROGRAM";
  const auto& program = words[kLeast - 1];
  if (!program.starts_with('/') && !program.starts_with("|/"))
    return '\'' + printable(program) + "' is not an absolute path";
  if (words.size() - kLeast > kMostArguments) return "request-key takes 253 arguments at most";
  return {};
}

class Reading {
 public:
  Reading(const std::string& file, Conf& conf) : file_{file}, conf_{conf} {}

  void take(std::string_view line) {
    ++number_;
    if (line.empty() || line.front() == '#' || is_blank(line.front())) return;
    if (line.size() >= kLongestLine) return complain("the line is too long for request-key");
    if (!std::ranges::all_of(line, is_printable))
      return complain("only printable ASCII can be taken over");
    auto words = words_of(line);
    if (const auto mistake = mistake_in(words); !mistake.empty()) return complain(mistake);
    const Pattern operation{words.front()};
    if (operation.matches(kCreate)) return add(operation, std::move(words));
    note(operation.matches(kNegate)
             ? "a 'negate' line is left out: where a program fails, its key is refused with ENOKEY "
               "for 60 seconds, as request-key 1.6.3 mostly does; 'negative' has other answers"
             : "left out: the kernel asks for 'create' only");
  }

  void complain(std::string text) { conf_.mistakes.push_back({place(), std::move(text)}); }

 private:
  void add(const Pattern& operation, std::vector<std::string> words) {
    ConfLine line{.place = place()};
    if (operation.wild()) line.operation_wildness = kCreate.size() - operation.stem().size();
    for (std::size_t i = 0; i < kColumns; ++i) line.patterns.at(i) = Pattern{words[i + 1]};
    line.command.assign(words.begin() + 1 + kColumns, words.end());
    line.pipe = line.command.front().starts_with('|');
    if (line.pipe) line.command.front().erase(0, 1);
    if (std::ranges::any_of(line.patterns, &Pattern::wild_within)) {
      note(
          "means what request-key.conf(5) says of an asterisk in the middle; request-key 1.6.3 "
          "itself compares what comes behind it with the pattern's beginning");
    }
    conf_.lines.push_back(std::move(line));
  }

  [[nodiscard]] std::string place() const { return file_ + ':' + std::to_string(number_); }
  void note(std::string text) { conf_.notes.push_back({place(), std::move(text)}); }

  const std::string& file_;
  Conf& conf_;
  std::size_t number_{0};
};

// How wild a match is, is how much its asterisk skips: nothing, where a text is no longer than the
// stem. Such a text may also be another line's pattern, and then both are as good in this column.
// Hence a wild pattern stands for its stem as well wherever a line asks for just that.
std::vector<Pattern> variants(const Pattern& pattern, std::size_t column,
                              const std::vector<ConfLine>& lines) {
  const bool contested = pattern.wild() && std::ranges::any_of(lines, [&](const ConfLine& other) {
                           const auto& theirs = other.patterns.at(column);
                           return !theirs.wild() && theirs.stem() == pattern.stem();
                         });
  if (contested) return {Pattern{pattern.stem()}, pattern};
  return {pattern};
}

// In one column, of two that match the same text: what is not wild skips nothing, and of two wild
// ones that with the longer stem skips less, whatever the text is.
int compare(const Pattern& a, const Pattern& b) {
  if (a.wild() != b.wild()) return a.wild() ? 1 : -1;
  if (!a.wild() || a.stem().size() == b.stem().size()) return 0;
  return a.stem().size() > b.stem().size() ? -1 : 1;
}

bool better(const Match& a, const Match& b) {
  if (a.line->operation_wildness != b.line->operation_wildness)
    return a.line->operation_wildness < b.line->operation_wildness;
  for (std::size_t i = 0; i < kColumns; ++i) {
    if (const int order = compare(a.patterns.at(i), b.patterns.at(i)); order != 0) return order < 0;
  }
  return false;
}

}  // namespace

std::string Pattern::stem() const {
  auto stem = text_;
  if (wild()) stem.erase(star_, 1);
  return stem;
}

bool Pattern::matches(std::string_view text) const { return glob_matches(glob(), text); }

std::string Pattern::glob() const {
  if (!wild()) return literal(text_);
  const std::string_view text = text_;
  return literal(text.substr(0, star_)) + "**" + literal(text.substr(star_ + 1));
}

void read_conf(const std::string& file, std::string_view text, Conf& conf) {
  Reading reading{file, conf};
  const bool cut = !text.empty() && text.back() != '\n';
  while (!text.empty()) reading.take(take_until(text, '\n'));
  if (cut) reading.complain("no end of line: request-key cuts off the last character");
}

std::vector<Match> best_first(const std::vector<ConfLine>& lines) {
  std::vector<Match> matches;
  for (const auto& line : lines) {
    for (const auto& type : variants(line.patterns[Column::type], Column::type, lines)) {
      for (const auto& description :
           variants(line.patterns[Column::description], Column::description, lines)) {
        for (const auto& callout :
             variants(line.patterns[Column::callout], Column::callout, lines)) {
          matches.push_back({.line = &line, .patterns = {type, description, callout}});
        }
      }
    }
  }
  std::ranges::stable_sort(matches, better);
  return matches;
}

}  // namespace upcall::cli
