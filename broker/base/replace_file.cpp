// SPDX-License-Identifier: Apache-2.0
#include "base/replace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/unique_fd.h"

namespace upcall {

Result<Ok> replace_file(const std::string& path, std::string_view text, mode_t mode) {
  const auto temporary = path + ".new";
  const UniqueFd fd{
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)};
  if (!fd) return from_errno("create '" + temporary + "'");
  if (::fchmod(fd.get(), mode) != 0 ||
      ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fsync(fd.get()) != 0) {
    return from_errno("write '" + temporary + "'");
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return from_errno("rename '" + temporary + "'");
  return Ok{};
}

}  // namespace upcall
