// SPDX-License-Identifier: Apache-2.0
// What the running kernel offers of what upcalld makes use of, found by trying: versions say
// nothing of what a distribution built or carried back.
#pragma once

#include <string_view>
#include <vector>

namespace upcall::kernel {

struct Feature {
  std::string_view name;     // as kernel documentation and man pages have it
  std::string_view since;    // the release of Linux that brought it
  std::string_view with;     // what upcalld does on kernels that have it
  std::string_view without;  // and on those that do not
  bool present{};
};

// Takes root. Changes nothing.
[[nodiscard]] std::vector<Feature> probe_features();

}  // namespace upcall::kernel
