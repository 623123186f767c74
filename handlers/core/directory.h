// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::core {

// The directory to store in: reached without following any symbolic link, and none where everybody
// may remove or replace a file. Its last component is made, for its owner alone, when it is
// missing.
[[nodiscard]] Result<UniqueFd> open_directory(const std::string& path);

}  // namespace upcall::core
