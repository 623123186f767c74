// SPDX-License-Identifier: Apache-2.0
// The cgroup of a container, and its end: killing what is in it and removing it.
#pragma once

#include <string>

#include "base/unique_fd.h"

namespace upcall::testing {

// Makes a cgroup at the root of the unified hierarchy, wherever that is mounted. Its path.
[[nodiscard]] std::string make_cgroup(const std::string& name);

// Kills every process in it, waits for their end and removes it; all of it at most `deadline_ms`.
void remove_cgroup(const std::string& path, int deadline_ms);

}  // namespace upcall::testing
