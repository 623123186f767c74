// SPDX-License-Identifier: Apache-2.0
// Small files of procfs and sysfs, whole.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace upcall::kernel {

// More than any file of theirs has that we read.
inline constexpr std::size_t kMostBytes = std::size_t{1} << 20U;

// EFBIG beyond kMostBytes.
[[nodiscard]] Result<std::string> read_file(const std::string& path);
// What is left to be read; EFBIG beyond `most`. `name` is for the message.
[[nodiscard]] Result<std::string> read_all(int fd, const std::string& name,
                                           std::size_t most = kMostBytes);
// One write() of everything, as procfs wants it.
[[nodiscard]] Result<Ok> write_file(const std::string& path, std::string_view text);
// The target of a symbolic link, whole, up to PATH_MAX bytes.
[[nodiscard]] Result<std::string> read_link(const std::string& path);

}  // namespace upcall::kernel
