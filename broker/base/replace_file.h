// SPDX-License-Identifier: Apache-2.0
// A small file written whole or not at all.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace upcall {

// On the disk when this returns. Goes by "PATH.new", which must be ours alone to write.
[[nodiscard]] Result<Ok> replace_file(const std::string& path, std::string_view text, mode_t mode);

}  // namespace upcall
