// SPDX-License-Identifier: Apache-2.0
// How the errors about records read: "cannot read 'pid' in status of container 'web' (expected a
// whole number from 2 to 4194304): Bad message".
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/text.h"

namespace upcall::origin {

// A file of a record. The id is the name of a directory that a stranger may have chosen.
[[nodiscard]] inline std::string file_of(std::string_view file, std::string_view id) {
  return std::string{file} + " of container '" + printable(id, 64) + "'";
}

[[nodiscard]] inline Error unexpected(const std::string& what, std::string_view expected,
                                      int err = EBADMSG) {
  return from_errno("read " + what + " (expected " + std::string{expected} + ")", err);
}

}  // namespace upcall::origin
