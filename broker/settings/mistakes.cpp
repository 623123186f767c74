// SPDX-License-Identifier: Apache-2.0
#include "settings/mistakes.h"

#include <algorithm>
#include <tuple>

#include "base/text.h"

namespace upcall::settings {
namespace {

constexpr std::size_t kLongestShown = 200;

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; }

bool controls_terminal(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Columns count bytes; the '^' stands under a character.
std::string marker(const std::string& snippet, int column) {
  const auto before = std::string_view{snippet}.substr(0, static_cast<std::size_t>(column - 1));
  const auto width = std::ranges::count_if(before, [](char c) { return !continues_character(c); });
  return std::string(static_cast<std::size_t>(width), ' ') + '^';
}

}  // namespace

Source::Source(std::size_t order, std::string file, std::string text)
    : order_{order}, file_{std::move(file)}, text_{std::move(text)} {
  for (std::string_view rest = text_; !rest.empty();) lines_.push_back(take_until(rest, '\n'));
}

std::string Source::line(int number) const {
  if (number < 1 || static_cast<std::size_t>(number) > lines_.size()) return {};
  std::string shown{lines_[static_cast<std::size_t>(number) - 1]};
  if (shown.ends_with('\r')) shown.pop_back();
  if (shown.size() > kLongestShown) return {};
  std::ranges::replace_if(shown, controls_terminal, ' ');
  return shown;
}

std::string describe(const Place& place) {
  if (place.line == 0) return place.source->file();
  return place.source->file() + ':' + std::to_string(place.line) + ':' +
         std::to_string(place.column);
}

void Mistakes::add(const Place& place, std::string message) {
  found_.emplace_back(place, std::move(message));
}

std::vector<Diagnostic> Mistakes::take() && {
  const auto key = [](const auto& found) {
    const auto& [place, message] = found;
    return std::tuple{place.source->order(), place.line, place.column, std::string_view{message}};
  };
  std::ranges::sort(found_, {}, key);
  const auto repeated = std::ranges::unique(found_, {}, key);
  found_.erase(repeated.begin(), repeated.end());
  std::vector<Diagnostic> out;
  out.reserve(found_.size());
  for (auto& [place, message] : found_) {
    out.push_back({.file = place.source->file(),
                   .line = place.line,
                   .column = place.column,
                   .message = std::move(message),
                   .snippet = place.source->line(place.line)});
  }
  return out;
}

std::string render(const Diagnostic& diagnostic) {
  std::string out = diagnostic.file;
  if (diagnostic.line > 0) {
    out += ':' + std::to_string(diagnostic.line) + ':' + std::to_string(diagnostic.column);
  }
  out += ": " + diagnostic.message + '\n';
  if (diagnostic.snippet.empty() || diagnostic.column < 1) return out;
  return out + diagnostic.snippet + '\n' + marker(diagnostic.snippet, diagnostic.column) + '\n';
}

}  // namespace upcall::settings
