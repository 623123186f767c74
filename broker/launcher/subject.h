// SPDX-License-Identifier: Apache-2.0
// All that one process is confined by, taken as kernel objects and values while it is known to
// exist. A handler is confined by what a subject holds, never by looking at the process again.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/namespaces.h"
#include "kernel/process_status.h"

namespace upcall::launcher {

struct Own;

// What the security module calls a process by, as it is asked to call what a thread executes next.
struct Label {
  const char* file{};  // of /proc/thread-self/attr; null without a module that labels
  std::string request;
  friend bool operator==(const Label&, const Label&) = default;
};

struct Subject {
  pid_t pid{};
  kernel::NamespaceSet namespaces;
  UniqueFd root;    // O_PATH
  UniqueFd cwd;     // O_PATH
  UniqueFd cgroup;  // O_PATH; empty where it is in no unified hierarchy
  std::string cgroup_path;
  kernel::ProcessStatus status;
  kernel::ResourceLimits limits{};
  int oom_score_adj{};
  Label label;
};

// Which thread, and how it may be reached. The thread counts and not its leader, which may have
// exited, and whose namespaces may be others.
struct ThreadName {
  pid_t pid{};
  pid_t tid{};
  std::optional<std::uint64_t> cgroup_id;  // of the process, where the kernel told it
};

[[nodiscard]] std::string proc_directory(const ThreadName& thread);

// The caller must see afterwards, by pidfd, that the process still exists.
[[nodiscard]] Result<Subject> read_subject(const ThreadName& thread, const Own& own);

[[nodiscard]] Result<int> read_oom_score_adj(const std::string& directory);
// `directory` is /proc/PID or /proc/PID/task/TID. A kernel gets no more such modules once it runs.
[[nodiscard]] Result<Label> read_label(const std::string& directory);

}  // namespace upcall::launcher
