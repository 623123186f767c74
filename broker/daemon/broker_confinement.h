// SPDX-License-Identifier: Apache-2.0
// What the broker gives up before it reads its first byte from outside.
#pragma once

namespace upcall::daemon {

// Non-dumpable, since it would wait for itself; every descriptor that the hard limit allows; no
// system call but those in the list. Throws std::system_error.
void confine_broker();

}  // namespace upcall::daemon
