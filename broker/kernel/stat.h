// SPDX-License-Identifier: Apache-2.0
// /proc/PID/stat and /proc/PID/task/TID/stat (proc_pid_stat(5)).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace upcall::kernel {

struct Stat {
  bool dumping{};        // of a task: this very thread is the one that dumps (PF_DUMPCORE)
  bool kernel_thread{};  // PF_KTHREAD
  bool forked_only{};    // has executed no program since its fork (PF_FORKNOEXEC)
  // Field 48, where its arguments are. Of a program that is being executed 0 until it has the
  // credentials that it will have (setup_arg_pages() follows commit_creds(), fs/exec.c).
  std::uint64_t arguments{};
  // Field 22, clock ticks since boot: with its pid it names a process, as no two start with one
  // pid at one time.
  std::uint64_t start_time{};
  // Of a process: the fatal signal, in exit_code (field 52), which a process that dumps shows early
  // (Linux 5.17) to a reader that may ptrace it. 0 where the kernel does not tell.
  int signal{};
};

[[nodiscard]] std::optional<Stat> parse_stat(std::string_view text);

// `directory` is /proc/PID or /proc/PID/task/TID.
[[nodiscard]] Result<Stat> read_stat(const std::string& directory);
// `directory` is below `proc`, a descriptor of /proc: PID or PID/task/TID.
[[nodiscard]] Result<Stat> read_stat(int proc, const std::string& directory);

}  // namespace upcall::kernel
