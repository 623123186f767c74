// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/labels.h"

#include <algorithm>

#include "base/limits.h"

namespace upcall::origin {

std::string_view find_label(const Labels& labels, std::string_view key) {
  const auto found = std::ranges::find(labels, key, &Labels::value_type::first);
  return found == labels.end() ? std::string_view{} : std::string_view{found->second};
}

Record with_labels(Record record, Labels labels) {
  auto& kept = record.container.labels;
  std::size_t bytes = 0;
  for (const auto& [key, value] : kept) bytes += key.size() + value.size();
  for (auto& [key, value] : labels) {
    const std::size_t size = key.size() + value.size();
    if (kept.contains(key)) continue;
    if (kept.size() == limits::kLabels || bytes + size > limits::kLabelBytes) {
      ++record.labels_left_out;
      continue;
    }
    bytes += size;
    kept.emplace(std::move(key), std::move(value));
  }
  return record;
}

}  // namespace upcall::origin
