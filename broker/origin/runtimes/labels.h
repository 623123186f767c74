// SPDX-License-Identifier: Apache-2.0
// Labels and annotations on their way into a record. They may hold any bytes and are as many as
// their author likes, so that a record keeps only so much of them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "origin/record.h"

namespace upcall::origin {

// As they were written; of two with one key the first counts.
using Labels = std::vector<std::pair<std::string, std::string>>;

// The value of `key`, empty without one.
[[nodiscard]] std::string_view find_label(const Labels& labels, std::string_view key);

// Adds what fits and counts the rest. A label is kept whole or not at all: half of one would be
// another.
[[nodiscard]] Record with_labels(Record record, Labels labels);

}  // namespace upcall::origin
