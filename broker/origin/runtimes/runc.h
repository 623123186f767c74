// SPDX-License-Identifier: Apache-2.0
// runc: everything is in `state.json`. Seen with runc 1.1.5; the keys are those of all versions
// since 1.0.
#pragma once

#include <string_view>

#include "base/result.h"
#include "origin/record.h"

namespace upcall::origin {

[[nodiscard]] Result<Record> parse_runc(std::string_view id, std::string_view state);

}  // namespace upcall::origin
