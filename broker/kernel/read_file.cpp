// SPDX-License-Identifier: Apache-2.0
#include "kernel/read_file.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <array>

#include "base/unique_fd.h"

namespace upcall::kernel {
namespace {

constexpr std::size_t kChunk = 4096;

}  // namespace

Result<std::string> read_file(const std::string& path) {
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return from_errno("open '" + path + "'", errno);
  return read_all(fd.get(), path);
}

Result<std::string> read_all(int fd, const std::string& name, std::size_t most) {
  std::string text;
  std::array<char, kChunk> chunk{};
  for (;;) {
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return from_errno("read '" + name + "'", errno);
    if (n == 0) return text;
    if (text.size() + kChunk > most) return from_errno("read '" + name + "'", EFBIG);
    text.append(chunk.data(), static_cast<std::size_t>(n));
  }
}

Result<Ok> write_file(const std::string& path, std::string_view text) {
  const UniqueFd fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd) return from_errno("open '" + path + "'", errno);
  if (::write(fd.get(), text.data(), text.size()) < 0) {
    return from_errno("write '" + path + "'", errno);
  }
  return Ok{};
}

Result<std::string> read_link(const std::string& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t n = ::readlink(path.c_str(), target.data(), target.size());
  if (n < 0) return from_errno("read the link '" + path + "'", errno);
  return std::string{target.data(), static_cast<std::size_t>(n)};
}

}  // namespace upcall::kernel
