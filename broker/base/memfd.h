// SPDX-License-Identifier: Apache-2.0
// Bytes in a sealed memfd: how one program of ours hands a table to another at exec. Whoever holds
// the descriptor can read it and nobody, not even its maker, can change it any more.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall {

// CLOEXEC; sealed against writing, growing, shrinking and further seals. `name` shows in /proc
// only.
[[nodiscard]] Result<UniqueFd> make_sealed_memfd(const char* name,
                                                 std::span<const std::byte> bytes);

// Everything in the file, from its start. EPERM for one that is not sealed against writing.
[[nodiscard]] Result<std::string> read_sealed_memfd(int fd);

}  // namespace upcall
