// SPDX-License-Identifier: Apache-2.0
// Whose core it is, and the file name made of it. All of it is the crashed process's choice.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace upcall::core {

struct Identity {
  std::string pid;
  std::string uid;
  std::string gid;
  std::string comm;
  std::uint64_t time_us{};   // since the epoch
  bool for_owner{false};     // dumpable is 1: the process's user may see its memory
  bool is_init{false};       // of its container
  bool in_container{false};  // we are, with the process
};

// From UPCALL_*. What was not told is empty; the time is then now.
[[nodiscard]] Identity read_identity();

// Every byte but letters, digits, '-' and '_' as %XX: no '/', no '.', nothing a shell or terminal
// minds.
[[nodiscard]] std::string encode(std::string_view text);

// "core.COMM.PID.MICROSECONDS[.truncated]EXTENSION"
[[nodiscard]] std::string file_name(const Identity& identity, bool truncated,
                                    std::string_view extension);

}  // namespace upcall::core
