// SPDX-License-Identifier: Apache-2.0
#include "base/memfd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace upcall {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

}  // namespace

Result<UniqueFd> make_sealed_memfd(const char* name, std::span<const std::byte> bytes) {
  UniqueFd fd{::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!fd) return from_errno("make a memfd");
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
    if (written < 0) return from_errno("fill a memfd");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) return from_errno("seal a memfd");
  return fd;
}

Result<std::string> read_sealed_memfd(int fd) {
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0) return from_errno("read the seals of a table");
  if ((seals & kSeals) != kSeals) return from_errno("trust a table that is not sealed", EPERM);
  struct stat status {};
  if (::fstat(fd, &status) != 0) return from_errno("stat a table");
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t n =
        ::pread(fd, bytes.data() + filled, bytes.size() - filled, static_cast<off_t>(filled));
    if (n <= 0) return from_errno("read a table", n == 0 ? EIO : errno);
    filled += static_cast<std::size_t>(n);
  }
  return bytes;
}

}  // namespace upcall
