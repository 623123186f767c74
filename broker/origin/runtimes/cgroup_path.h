// SPDX-License-Identifier: Apache-2.0
// A container by the name of its cgroup: what is left where a runtime has no record that we read
// (LXC, LXD and Incus never have one), or has it in another place than the policy says.
#pragma once

#include <optional>
#include <string_view>

#include "event/container.h"

namespace upcall::origin {

// From the path of its init in the unified hierarchy. Matched from the root down, in places where
// only the host's root or its service manager makes cgroups: below others (a user's slice, another
// container) strangers make them by any name. Conventions of LXC 4, podman 4, Docker 20, containerd
// 1.6, CRI-O 1.26, systemd 252, and their successors so far.
[[nodiscard]] std::optional<event::Container> container_of_cgroup(std::string_view path);

}  // namespace upcall::origin
