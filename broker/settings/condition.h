// SPDX-License-Identifier: Apache-2.0
// One condition of a rule's `when`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "settings/reader.h"

namespace upcall::settings {

// Each value that `read_one` reads well is appended.
template <auto read_one, class T>
Take condition(Reader& reader, std::vector<T>& out) {
  return [&reader, &out](const Value& value) {
    reader.read_one_or_more(value, [&](const Value& item) {
      if (auto one = std::invoke(read_one, reader, item))
        out.push_back(static_cast<T>(*std::move(one)));
    });
  };
}

// Globs, say.
inline Take text_condition(Reader& reader, std::vector<std::string>& out) {
  return condition<&Reader::text>(reader, out);
}

}  // namespace upcall::settings
