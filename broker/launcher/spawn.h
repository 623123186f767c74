// SPDX-License-Identifier: Apache-2.0
// Stage 1: a plain copy of the launcher, born in the container's cgroup, that confines itself and
// then leaves the handler behind as the launcher's child. Never vforked: in a frozen cgroup it
// would hold the launcher with it.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launcher/confine.h"

namespace upcall::launcher {

struct Stage1 {
  pid_t pid{};
  UniqueFd status;  // a ConfineFailure, or end of file once the handler has been executed
};

// `cgroup` -1: our own. Fills in the status socket of `confinement`.
[[nodiscard]] Result<Stage1> spawn(Confinement confinement, int cgroup);

}  // namespace upcall::launcher
