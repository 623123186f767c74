// SPDX-License-Identifier: Apache-2.0
#include "launcher/spawn.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "base/broken.h"

namespace upcall::launcher {

Result<Stage1> spawn(Confinement confinement, int cgroup) {
  // A socket, not a pipe: nobody can open it once more by /proc/PID/fd.
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return from_errno("make a status socket");
  }
  UniqueFd ours{ends[0]};
  const UniqueFd theirs{ends[1]};
  confinement.status = theirs.get();
  clone_args args{};
  args.exit_signal = SIGCHLD;
  if (cgroup >= 0 && !broken::kCgroup) {
    args.flags = CLONE_INTO_CGROUP;
    args.cgroup = static_cast<__u64>(cgroup);
  }
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  if (pid < 0) return from_errno("clone into the container's cgroup");
  if (pid == 0) become_stage1(confinement);
  return Stage1{.pid = pid, .status = std::move(ours)};
}

}  // namespace upcall::launcher
