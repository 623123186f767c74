// SPDX-License-Identifier: Apache-2.0
// The privilege template of a container: its init. Not the origin, which may have been brought in
// with more rights, and not the init of the innermost PID namespace, which any user can make
// himself.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "launcher/own.h"
#include "launcher/subject.h"

namespace upcall::launcher {

struct Container {
  Subject init;
  // Where to join its cgroups of version 1.
  Result<std::vector<UniqueFd>> cgroups_v1;
  // Of its init, oldest first.
  Result<std::vector<kernel::SeccompFilter>> filters;
  std::string tag;  // kernel/pidfd_tag.h
};

// The init of the outermost PID namespace above the origin that is not the host's. Nothing for an
// origin in the host's own.
[[nodiscard]] Result<std::optional<Container>> find_container(const Own& own, const Subject& origin,
                                                              const ThreadName& origin_thread);

}  // namespace upcall::launcher
