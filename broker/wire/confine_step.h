// SPDX-License-Identifier: Apache-2.0
// Where the run of a handler stopped before the handler ran.
#pragma once

#include <cstdint>

namespace upcall::wire {

// For RunEnded.step. The launcher's own steps first.
enum class ConfineStep : std::uint32_t {
  request = 1,
  join_cgroup,
  start_in_time,
  descriptors,
  groups,
  limits,
  session,
  label,
  namespaces,
  root,
  ids,
  user_namespace,
  inner_ids,
  undumpable,
  keyring,
  capabilities,
  no_new_privileges,
  close_rest,
  filters,
  last_clone,
  exec,
};

// As the log calls it: "join-cgroup". "unknown" for what is none.
[[nodiscard]] const char* name_of(ConfineStep step);

}  // namespace upcall::wire
