// SPDX-License-Identifier: Apache-2.0
// `upcall-container run`: makes a container and holds it until it is told to stop.
#pragma once

namespace upcall::testing {

// Writes "ready init=PID cgroup=PATH\n" once commands can be run in it. Nothing of the container is
// left on the host when this returns, nor a moment after this process was killed.
int run_container(int argc, char** argv);

}  // namespace upcall::testing
