// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace upcall {

// Whether it leads somewhere below where it starts and nowhere else: "a/b", with no part that is
// empty, "." or "..".
[[nodiscard]] constexpr bool is_path_below(std::string_view path) {
  for (;;) {
    const auto part = path.substr(0, path.find('/'));
    if (part.empty() || part == "." || part == "..") return false;
    if (part.size() == path.size()) return true;
    path.remove_prefix(part.size() + 1);
  }
}

}  // namespace upcall
