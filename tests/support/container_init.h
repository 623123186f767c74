// SPDX-License-Identifier: Apache-2.0
// `upcall-container init`: process 1 of a container. Starts what `upcall-container exec` asks for,
// reaps whatever ends, and lives as long as the program that made the container.
#pragma once

namespace upcall::testing {

// argv: init LISTENER LIFELINE, two descriptors. Ends when the lifeline's other end is closed.
int container_init(int argc, char** argv);

}  // namespace upcall::testing
