// SPDX-License-Identifier: Apache-2.0
// A mark that root put on a process: the extended attribute trusted.upcalld.tag of its pidfd
// (pidfs, Linux 6.17). The kernel keeps it until the process is reaped, over exec, whether or not
// anybody holds a pidfd; children do not inherit it. Reading and writing take CAP_SYS_ADMIN in the
// initial user namespace, so no container can give itself one.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace upcall::kernel {

inline constexpr std::size_t kMaxTag = 255;  // bytes

// Empty for a process without one, and on kernels that have none.
[[nodiscard]] std::string read_tag(int pidfd);

// An empty tag removes it. EOPNOTSUPP on kernels that have none, EINVAL for one that is too long.
[[nodiscard]] Result<Ok> write_tag(int pidfd, std::string_view tag);

}  // namespace upcall::kernel
