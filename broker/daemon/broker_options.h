// SPDX-License-Identifier: Apache-2.0
// What upcalld tells the broker on its command line: the numbers of inherited descriptors.
#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "base/unique_fd.h"
#include "dispatch/pass.h"
#include "sources/cgroup_tree.h"

namespace upcall::daemon {

struct BrokerOptions {
  UniqueFd launcher;
  UniqueFd supervisor;
  UniqueFd policy;
  UniqueFd state_directories;
  UniqueFd proc;  // of its own: kernel/detached_mount.h
  UniqueFd core_dumps;
  UniqueFd shim;
  UniqueFd control;
  UniqueFd uevents;
  UniqueFd network_uevents;  // only where the policy has rules on containers' own devices
  UniqueFd sysfs;            // mounted nowhere, either
  UniqueFd modules;          // only where the policy has rules on modules
  UniqueFd helpers;          // likewise for other helpers; and the next ones, where there is either
  UniqueFd trace_layout;
  std::vector<UniqueFd> trace_buffers;
  UniqueFd module_names;
  UniqueFd inotify;  // where there are cgroups of version 2 to be watched; non-blocking
  std::vector<sources::ListedCgroup> cgroups;
  std::string state_directory;  // where upcalld's own helpers are
  dispatch::PassRows pass;
  log::Level log_level{log::Level::info};
};

// Throws std::runtime_error for anything but what upcalld of the same build says.
[[nodiscard]] BrokerOptions parse_broker_options(int argc, char** argv);

}  // namespace upcall::daemon
