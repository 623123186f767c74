// SPDX-License-Identifier: Apache-2.0
// Small files of procfs and sysfs, whole.
#pragma once

#include <string>

#include "base/result.h"

namespace upcall::kernel {

// EFBIG beyond 1 MiB, more than any file that we read can have.
[[nodiscard]] Result<std::string> read_file(const std::string& path);
// One write() of everything, as procfs wants it.
[[nodiscard]] Result<Ok> write_file(const std::string& path, std::string_view text);
// The target of a symbolic link, whole, up to PATH_MAX bytes.
[[nodiscard]] Result<std::string> read_link(const std::string& path);

}  // namespace upcall::kernel
