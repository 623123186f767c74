// SPDX-License-Identifier: Apache-2.0
// What the broker gives up before it reads its first byte from outside.
#pragma once

namespace upcall::daemon {

// Non-dumpable, since it would wait for itself; no file but those below `proc`, so that there is
// nothing of the host's whose descriptor it could hand on; no capability any more; every descriptor
// that the hard limit allows; no system call but those in the list. Throws std::system_error.
void confine_broker(int proc);

}  // namespace upcall::daemon
