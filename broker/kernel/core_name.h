// SPDX-License-Identifier: Apache-2.0
// The `%` of kernel.core_pattern, expanded as the kernel does it (coredump_parse() of
// fs/coredump.c, formerly format_corename()), for those who must do what the kernel would have
// done. tests/assumptions compares the two.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace upcall::kernel {

// What a pattern can say of a crashed process. An empty optional is unknown and expands to nothing.
struct CoreFacts {
  std::optional<std::int64_t> pid;          // %p, in its own PID namespace
  std::optional<std::int64_t> global_pid;   // %P, in the initial one
  std::optional<std::int64_t> tid;          // %i
  std::optional<std::int64_t> global_tid;   // %I
  std::optional<std::int64_t> uid;          // %u, real, in the initial user namespace
  std::optional<std::int64_t> gid;          // %g
  std::optional<std::int64_t> dumpable;     // %d
  std::optional<std::int64_t> signal;       // %s
  std::optional<std::int64_t> time;         // %t, seconds since the epoch
  std::optional<std::uint64_t> core_limit;  // %c, bytes; UINT64_MAX for unlimited
  std::optional<std::int64_t> cpu;          // %C
  std::string host_name;                    // %h
  std::string comm;                         // %e
  std::string exe;                          // %E, %f; empty when it has none
};

enum class CoreUsesPid { no, yes };  // kernel.core_uses_pid

// The name of the core file that a file pattern asks for.
[[nodiscard]] std::string expand_core_file(std::string_view pattern, const CoreFacts& facts,
                                           CoreUsesPid uses_pid);

// The arguments, the program's path first, of a program pattern ("|..."); the pidfd of %F is
// always 3. Empty when the pattern names no program.
[[nodiscard]] std::vector<std::string> expand_core_program(std::string_view pattern,
                                                           const CoreFacts& facts);

// Whether a program pattern wants the pidfd.
[[nodiscard]] bool wants_pidfd(std::string_view program_pattern);

}  // namespace upcall::kernel
