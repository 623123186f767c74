// SPDX-License-Identifier: Apache-2.0
// Files that only root can have written: whoever writes the policy commands root.
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace upcall::settings {

// Why a file is not used and what to do about it.
struct Refused {
  std::string why;
  bool missing{};  // there simply is none
};

// The text of a regular file of at most 1 MiB that belongs to root, cannot be written by others,
// and is reached only through directories and symbolic links of which the same is true.
[[nodiscard]] std::variant<std::string, Refused> read_trusted_file(const std::string& path);

// The paths of the *.yaml in a directory of which the same is true, in name order.
[[nodiscard]] std::variant<std::vector<std::string>, Refused> list_trusted_directory(
    const std::string& path);

}  // namespace upcall::settings
