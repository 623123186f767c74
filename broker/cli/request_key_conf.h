// SPDX-License-Identifier: Apache-2.0
// request-key.conf(5), read as keyutils' request-key 1.6.3 reads it, and its lines in the order in
// which the first that matches is the one which request-key takes for the best.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace upcall::cli {

// What one column asks for. The first asterisk stands for any bytes; all others mean themselves.
class Pattern {
 public:
  Pattern() = default;
  explicit Pattern(std::string text) : text_{std::move(text)}, star_{text_.find('*')} {}

  [[nodiscard]] bool wild() const { return star_ != std::string::npos; }
  // With an asterisk that is neither its first nor its last byte.
  [[nodiscard]] bool wild_within() const { return wild() && star_ > 0 && star_ + 1 < text_.size(); }
  // Whether it asks for anything at all.
  [[nodiscard]] bool matches_all() const { return text_ == "*"; }
  // What a text has at least: the pattern without its asterisk.
  [[nodiscard]] std::string stem() const;
  [[nodiscard]] bool matches(std::string_view text) const;
  // The same as a glob of the policy's.
  [[nodiscard]] std::string glob() const;

 private:
  std::string text_;
  std::size_t star_{std::string::npos};
};

enum Column : std::size_t { type, description, callout };
inline constexpr std::size_t kColumns = 3;
using Patterns = std::array<Pattern, kColumns>;

// A line that answers the kernel, whose only operation is "create".
struct ConfLine {
  std::string place;  // FILE:LINE
  std::size_t operation_wildness{};
  Patterns patterns;
  bool pipe{};                       // callout in, payload out; else it answers by itself
  std::vector<std::string> command;  // the program's path and arguments, as written
};

struct Remark {
  std::string place;
  std::string text;
};

struct Conf {
  std::vector<ConfLine> lines;
  std::vector<Remark> mistakes;  // what request-key could not use either, or nobody can write down
  std::vector<Remark> notes;     // what is left out, and why
};

// Adds what one file says.
void read_conf(const std::string& file, std::string_view text, Conf& conf);

// A line, narrowed to the patterns for which it stands where it does.
struct Match {
  const ConfLine* line{};
  Patterns patterns;
};

// The lines are borrowed. One may come more than once.
[[nodiscard]] std::vector<Match> best_first(const std::vector<ConfLine>& lines);

}  // namespace upcall::cli
