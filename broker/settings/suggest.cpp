// SPDX-License-Identifier: Apache-2.0
#include "settings/suggest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace upcall::settings {
namespace {

constexpr std::size_t kFarthest = 2;
constexpr std::size_t kLongest = 64;  // the distance takes quadratic time

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Levenshtein's, blind to case, one row of the table at a time.
std::size_t distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t replaced = diagonal + (lower(left[i]) == lower(right[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row.back();
}

// Of a short name two changes leave nothing: "uid" is not near to "exe".
std::size_t tolerance(std::string_view wrong) { return wrong.size() < 4 ? 1 : kFarthest; }

}  // namespace

std::string did_you_mean(std::string_view wrong, const std::vector<std::string>& candidates) {
  if (wrong.size() > kLongest) return {};
  const std::string* best = nullptr;
  std::size_t least = tolerance(wrong) + 1;
  for (const auto& candidate : candidates) {
    if (candidate.size() > kLongest) continue;
    const std::size_t far = distance(wrong, candidate);
    if (far >= least) continue;
    least = far;
    best = &candidate;
  }
  return best != nullptr ? "; did you mean '" + *best + "'?" : "";
}

std::string enumerate(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
    out += '\'' + names[i] + '\'';
  }
  return out;
}

}  // namespace upcall::settings
