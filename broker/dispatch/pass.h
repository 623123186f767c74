// SPDX-License-Identifier: Apache-2.0
// `pass`: what happens to a core dump when the policy leaves it to what this host did before, the
// kernel.core_pattern found at start.
#pragma once

#include <cstdint>

#include "event/event.h"

namespace upcall::dispatch {

enum class PreviousPattern : std::uint8_t { program, file };

// Rows of the handler table that upcalld adds behind the policy's.
struct PassRows {
  PreviousPattern previous{};
  std::uint32_t program{};  // in place of the kernel, on the host
  std::uint32_t file{};     // as the crashed process itself
  std::uint32_t
      file_as_root{};  // for a process whose memory is for root's eyes only (fs.suid_dumpable=2)
};

// The kernel writes no file for a limit below one page (fs/coredump.c, binfmt->min_coredump), while
// a program pattern ignores RLIMIT_CORE.
inline constexpr std::uint64_t kLeastCore = 4096;

[[nodiscard]] inline bool writes_nothing(const PassRows& rows, const event::CoreDump& dump) {
  return rows.previous == PreviousPattern::file && dump.core_limit < kLeastCore;
}

[[nodiscard]] inline std::uint32_t row_for(const PassRows& rows, const event::CoreDump& dump) {
  if (rows.previous == PreviousPattern::program) return rows.program;
  return dump.dumpable == event::Dumpable::user ? rows.file : rows.file_as_root;
}

}  // namespace upcall::dispatch
