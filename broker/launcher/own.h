// SPDX-License-Identifier: Apache-2.0
// What the launcher remembers of itself from its start: where "the host" is, and what no handler
// exceeds.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/namespaces.h"
#include "kernel/process_status.h"
#include "kernel/task_reader.h"
#include "launcher/subject.h"

namespace upcall::launcher {

struct Own {
  kernel::NamespaceSet namespaces;
  kernel::ResourceLimits limits{};  // as inherited
  std::uint64_t capabilities{};
  int oom_score_adj{};
  Label label;  // without a file where no security module labels
  // Why not, where threads cannot be looked at so on this host.
  Result<kernel::TaskReader> tasks{from_errno("look at threads", ENOTSUP)};
  UniqueFd cgroup_root;  // empty on a host without the unified hierarchy: nothing runs in
                         // containers then
};

[[nodiscard]] Result<Own> look_at_ourselves();

}  // namespace upcall::launcher
