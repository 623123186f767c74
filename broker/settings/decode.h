// SPDX-License-Identifier: Apache-2.0
// The texts of all files made into one policy.
#pragma once

#include <deque>

#include "settings/mistakes.h"

namespace upcall::settings {

// The first is the policy file, the others its drop-ins. `mistakes` are those of reading them.
[[nodiscard]] Loaded decode_all(const std::deque<Source>& sources, Mistakes mistakes);

}  // namespace upcall::settings
