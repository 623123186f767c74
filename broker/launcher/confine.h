// SPDX-License-Identifier: Apache-2.0
// What stage 1 does between clone and the handler's birth: one step after the other, each of which
// can only take away. Everything is decided before; nothing here looks anything up, allocates or
// has a default of its own. All privilege is gone before the handler is born in the container's PID
// namespace.
#pragma once

#include <linux/filter.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <span>

#include "wire/confine_step.h"

namespace upcall::launcher {

using wire::ConfineStep;

// What stage 1 or the handler-to-be writes to the status socket when a step fails; nothing else
// ever comes.
struct ConfineFailure {
  ConfineStep step{};
  std::int32_t error{};
};

struct LimitChange {
  int resource{};
  rlimit limit{};
};

// Borrowed throughout: valid until stage 1 has been cloned, which gets its own copy of it all.
struct Confinement {
  // In the order of kernel::Namespace, which is the order to enter them: the mount namespace last
  // of the seven, the user namespace after all others, since with it goes the right to enter those
  // that its ancestors own. -1: we are in it.
  std::array<int, 7> namespaces{};
  int user_namespace{-1};
  std::span<const int> cgroups_v1;  // their "tasks"
  int root{-1};                     // -1: ours
  int cwd{-1};                      // -1: the root directory
  std::span<const gid_t> groups;    // host ids, as are these
  uid_t uid{};
  gid_t gid{};
  bool has_inner_ids{};  // ids as seen inside, from the policy
  uid_t inner_uid{};
  gid_t inner_gid{};
  std::uint64_t capabilities{};
  bool no_new_privileges{true};
  std::span<const LimitChange> limits;
  const char* oom_score_adj{};  // null: ours will do
  const char* label_file{};     // null: no label to take on
  const char* label{};
  std::span<const sock_fprog> filters;  // the container's own, oldest first
  // Of the key that the handler answers by itself, and its authority key; 0: it answers none.
  std::int32_t key{};
  std::int32_t authority{};

  std::array<int, 5> handler_fds{};  // become 0 to 4; the last may be -1
  int executable{-1};                // -1: `path` is looked up in the handler's own place
  const char* path{};
  char* const* argv{};
  char* const* envp{};

  int status{-1};              // where a failure is reported; closes at exec
  std::span<pid_t> pid_table;  // shared memory, whole pages
  pid_t* handler_pid{};        // in it: known even when the handler is stopped before its exec
  bool share_memory{true};  // the last clone as vfork; not where the container could reach into us
};

[[noreturn]] void become_stage1(const Confinement& confinement) noexcept;

}  // namespace upcall::launcher
