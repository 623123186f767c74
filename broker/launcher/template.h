// SPDX-License-Identifier: Apache-2.0
// The privilege template of a container: its init. Not the origin, which may have been brought in
// with more rights, and not the init of the innermost PID namespace, which any user can make
// himself. Where containers share a PID namespace, their runtimes' records say which init is whose.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "launcher/inits.h"
#include "launcher/own.h"
#include "launcher/subject.h"

namespace upcall::launcher {

struct Container {
  Subject init;
  // Where to join its cgroups of version 1.
  Result<std::vector<UniqueFd>> cgroups_v1;
  // Of its init, oldest first.
  Result<std::vector<kernel::SeccompFilter>> filters;
  std::string tag;    // kernel/pidfd_tag.h
  bool unfinished{};  // a recorded init that is still its runtime's own process
};

// Whether it has yet to become what the container is made for, with its runtime's privileges in its
// hands until then: ADR 41. To be asked before its privileges are read.
[[nodiscard]] Result<bool> is_unfinished(const ThreadName& init);

// The recorded init of the origin's cgroup; without one, the init of the outermost PID namespace
// above the origin that is not the host's. Nothing for an origin in the host's own.
[[nodiscard]] Result<std::optional<Container>> find_container(const Own& own, const Inits& inits,
                                                              const Subject& origin,
                                                              const ThreadName& origin_thread);

}  // namespace upcall::launcher
