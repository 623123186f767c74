// SPDX-License-Identifier: Apache-2.0
#include "core/space.h"

#include <sys/statvfs.h>

namespace upcall::core {

bool Space::allows(std::uint64_t size) const {
  struct statvfs status {};
  // ramfs and the like count nothing and report a size of zero: there is no limit to keep to.
  if (::fstatvfs(file_, &status) != 0 || status.f_blocks == 0) return true;
  const std::uint64_t keep =
      keep_.percent ? status.f_blocks / 100 * status.f_frsize * keep_.amount : keep_.amount;
  const std::uint64_t available = std::uint64_t{status.f_bavail} * status.f_frsize;
  return available >= keep && available - keep >= size;
}

}  // namespace upcall::core
