// SPDX-License-Identifier: Apache-2.0
// A lock of a process on one byte of a file (fcntl(2), F_SETLK). The kernel takes it from whoever
// dies, gives it to no child, and says who has it. Closing any descriptor of that file gives it
// back: whoever locks a file opens it once.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "base/result.h"

namespace upcall::kernel {

// Who has it: this one's number, 0 for a process that has none in our PID namespace. Nothing where
// nobody has, or the caller itself. `file` is borrowed.
[[nodiscard]] Result<std::optional<pid_t>> lock_holder(int file, std::uint32_t byte);

// Takes it without waiting, or says who has it. `file` is open for writing.
[[nodiscard]] Result<std::optional<pid_t>> take_lock(int file, std::uint32_t byte);

}  // namespace upcall::kernel
