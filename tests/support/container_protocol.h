// SPDX-License-Identifier: Apache-2.0
// What `upcall-container exec` asks of a container's init, over a SOCK_SEQPACKET connection.
//
// One request: the struct and then `cwd` and each argument, each with its NUL; standard input,
// output and error of the command are attached. Two replies: `started`, written by the new process
// itself, so that the kernel's SCM_CREDENTIALS tell its pid as the reader sees it; and `ended`,
// written by init.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace upcall::testing {

inline constexpr std::uint32_t kKeepUser = UINT32_MAX;
inline constexpr std::uint64_t kKeepCoreLimit = UINT64_MAX - 1;  // RLIM_INFINITY is taken
inline constexpr std::size_t kLongestRequest = 16384;

struct ExecRequest {
  std::uint32_t uid{kKeepUser};  // as the container sees it; the gid is the same
  std::uint32_t arguments{};
  std::uint64_t core_limit{kKeepCoreLimit};
};

enum class ExecReplyType : std::uint32_t { started = 1, ended };

struct ExecReply {
  ExecReplyType type{};
  std::int32_t value{};  // started: the pid inside; ended: the status of waitpid()
};

}  // namespace upcall::testing
