// SPDX-License-Identifier: Apache-2.0
// One condition of a rule's `when`.
#pragma once

#include <string>
#include <vector>

#include "settings/reader.h"

namespace upcall::settings {

// Each value that reads well is appended.
template <class T, class ReadOne>
Take condition(Reader& reader, std::vector<T>& out, ReadOne read_one) {
  return [&reader, &out, read_one](const Value& value) {
    reader.read_one_or_more(value, [&](const Value& item) {
      if (auto one = read_one(item)) out.push_back(static_cast<T>(*std::move(one)));
    });
  };
}

// Globs, say.
inline Take text_condition(Reader& reader, std::vector<std::string>& out) {
  return condition(reader, out, [&reader](const Value& item) { return reader.text(item); });
}

}  // namespace upcall::settings
