// SPDX-License-Identifier: Apache-2.0
#include "kernel/pidfd_tag.h"

#include <sys/xattr.h>

#include <array>

namespace upcall::kernel {
namespace {

constexpr const char* kAttribute = "trusted.upcalld.tag";

}  // namespace

std::string read_tag(int pidfd) {
  std::array<char, kMaxTag> tag{};
  // 0 and not ENODATA for a process that never had an attribute (Linux 6.18).
  const ssize_t size = ::fgetxattr(pidfd, kAttribute, tag.data(), tag.size());
  return size > 0 ? std::string{tag.data(), static_cast<std::size_t>(size)} : std::string{};
}

Result<Ok> write_tag(int pidfd, std::string_view tag) {
  if (tag.size() > kMaxTag) return from_errno("tag a process", EINVAL);
  const bool done = tag.empty() ? ::fremovexattr(pidfd, kAttribute) == 0 || errno == ENODATA
                                : ::fsetxattr(pidfd, kAttribute, tag.data(), tag.size(), 0) == 0;
  if (!done) return from_errno("tag a process");
  return Ok{};
}

}  // namespace upcall::kernel
