// SPDX-License-Identifier: Apache-2.0
// The sysctls which say what becomes of a core dump (core(5)): kernel.core_pattern and its
// relatives. They belong to the whole machine, have one owner at a time, and the kernel tells
// nobody when they change.
//
// The last parameter is where the sysctls are; only tests give another folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace upcall::kernel {

inline constexpr const char* kSysctlFolder = "/proc/sys/kernel";

// CORENAME_MAX_SIZE without its NUL: the kernel silently cuts what is longer.
inline constexpr std::size_t kMaxCorePattern = 127;

// "core.%p"; "|/program %P"; "@/socket", the plain stream of Linux 6.16; "@@/socket", which asks
// first, of 6.17. Kernels without sockets take both of these for file names.
enum class CorePatternKind { file, program, stream_socket, request_socket };
[[nodiscard]] CorePatternKind core_pattern_kind(std::string_view pattern);

struct CoreSettings {
  std::string pattern;
  unsigned
      pipe_limit{};  // how many helper programs at once; 0: any number, and nobody waits for them
  bool uses_pid{};   // a file name without %p gets ".PID" appended

  bool operator==(const CoreSettings&) const = default;
};

[[nodiscard]] Result<CoreSettings> read_core_settings(const std::string& folder = kSysctlFolder);

// What read_core_settings() gave, put back. The pattern goes last: no crash meets it with a foreign
// limit.
[[nodiscard]] Result<Ok> write_core_settings(const CoreSettings& settings,
                                             const std::string& folder = kSysctlFolder);

// Writes and reads back: some Linux 6.17 accept what they later ignore. EINVAL also means, for a
// socket, that the writer is not in the initial mount namespace.
[[nodiscard]] Result<Ok> write_core_pattern(std::string_view pattern,
                                            const std::string& folder = kSysctlFolder);
[[nodiscard]] Result<Ok> write_core_pipe_limit(unsigned limit,
                                               const std::string& folder = kSysctlFolder);

// "file", "pipe", "socket" (Linux 6.18); empty where the kernel has no such list. It does not tell
// "@" from
// "@@": only a crash does.
[[nodiscard]] Result<std::vector<std::string>> read_core_modes(
    const std::string& folder = kSysctlFolder);

// "@@PATH", when the kernel will take the path both now and at the time of a crash: absolute,
// shorter than 108 bytes, without blanks and "..", and no part of it a symlink.
[[nodiscard]] Result<std::string> socket_core_pattern(const std::string& socket_path);

// The pattern by which the kernel starts upcall-shim; shims/core_shim.h has the arguments.
[[nodiscard]] Result<std::string> shim_core_pattern(const std::string& shim_path,
                                                    const std::string& socket_path);

}  // namespace upcall::kernel
