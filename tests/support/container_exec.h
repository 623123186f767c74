// SPDX-License-Identifier: Apache-2.0
// `upcall-container exec`: runs a command as a process of the container, a child of its init.
#pragma once

namespace upcall::testing {

// The command's exit status, or 128 and the number of the signal that ended it, as shells say it.
// With
// --report-fd=N writes there "started pid=INSIDE host_pid=OUTSIDE\n" and "ended status=...
// signal=... core=0|1\n".
int exec_in_container(int argc, char** argv);

}  // namespace upcall::testing
