// SPDX-License-Identifier: Apache-2.0
// The shim's only log: the kernel's own, as the kernel gave it no other descriptor.
#pragma once

#include <string_view>

namespace upcall::shim {

// One line in the kernel's log, "upcall-shim: cannot DOING: errno N; REMEDY". Returns the exit
// status 1.
int report_failure(std::string_view doing, long negated_errno, std::string_view remedy);

// Writes all of `text` to `fd`, as far as it goes.
void write_text(int fd, std::string_view text);

}  // namespace upcall::shim
