// SPDX-License-Identifier: Apache-2.0
// What a runtime has written down of one container. It is a claim: whoever registers it asks the
// kernel whether that init lives, since when, and in which cgroup.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "event/container.h"

namespace upcall::origin {

// What can be a container's init: 1 is the host's own, and no kernel gives more (PID_MAX_LIMIT).
inline constexpr pid_t kLeastInit = 2;
inline constexpr pid_t kMostInit = pid_t{1} << 22;

struct Record {
  event::Container container;
  pid_t init{};  // in the initial PID namespace; 0 where nothing records it (lxc)
  // Field 22 of /proc/PID/stat, in clock ticks since boot. With it a pid is an identity.
  std::optional<std::uint64_t> start_time;
  std::string cgroup;               // path in the unified hierarchy, from its root; may be empty
  std::uint32_t labels_left_out{};  // those beyond limits::kLabels and kLabelBytes
  // Found out beside the record: its init is not process 1 of its PID namespace, but in a cgroup of
  // its own, as the record has it.
  bool shares_processes{};
};

}  // namespace upcall::origin
