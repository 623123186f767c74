// SPDX-License-Identifier: Apache-2.0
// LXC, LXD and Incus write no record that another may read: the cgroup has the container's name
// (LXC 4 and later, cgroup lxc.payload.NAME).
#pragma once

#include <optional>
#include <string_view>

#include "origin/record.h"

namespace upcall::origin {

// From the cgroup of any process, a record without init, whose cgroup is the container's. Only the
// first component counts: below others (a user's slice, another container) strangers make cgroups
// by any name.
[[nodiscard]] std::optional<Record> parse_lxc_cgroup(std::string_view path);

}  // namespace upcall::origin
