// SPDX-License-Identifier: Apache-2.0
// What a mistyped name was probably meant to be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace upcall::settings {

// "; did you mean 'signal'?", or nothing when no candidate is near.
[[nodiscard]] std::string did_you_mean(std::string_view wrong,
                                       const std::vector<std::string>& candidates);

// "'a', 'b' or 'c'"
[[nodiscard]] std::string enumerate(const std::vector<std::string>& names);

}  // namespace upcall::settings
