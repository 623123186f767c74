// SPDX-License-Identifier: Apache-2.0
#include "launcher/privileges.h"

#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/broken.h"
#include "kernel/read_file.h"
#include "launcher/capabilities.h"

namespace upcall::launcher {
namespace {

struct Kept {
  int capability;
  const char* reason;
};

// Left out on purpose: whatever changes the machine itself (modules, raw I/O, boot, clock, BPF,
// perf, the audit trail, mandatory access control), which no handler of ours has a use for.
constexpr std::array kKept = {
    Kept{CAP_SYS_ADMIN, "setns, the cgroup's door, seccomp filters; mounts of privileged handlers"},
    Kept{CAP_SYS_CHROOT, "the container's root directory"},
    Kept{CAP_SYS_PTRACE, "namespaces, root and limits of processes of other users"},
    Kept{CAP_SETUID, "the handler's user"},
    Kept{CAP_SETGID, "the handler's groups"},
    Kept{CAP_SETPCAP, "the handler's bounding set"},
    Kept{CAP_KILL, "handlers of other users at their time limit"},
    Kept{CAP_SYS_RESOURCE, "limits and OOM score of the container where they exceed ours"},
    Kept{CAP_DAC_READ_SEARCH, "a cgroup by its id (open_by_handle_at)"},
    Kept{CAP_DAC_OVERRIDE, "joining cgroups of other users; usual in containers"},
    Kept{CAP_CHOWN, "usual in containers: a handler gives a core file to its user"},
    Kept{CAP_FOWNER, "usual in containers"},
    Kept{CAP_FSETID, "usual in containers"},
    Kept{CAP_MKNOD, "usual in containers"},
    Kept{CAP_SETFCAP, "usual in containers"},
    Kept{CAP_NET_BIND_SERVICE, "usual in containers"},
    Kept{CAP_NET_RAW, "usual in containers"},
    Kept{CAP_AUDIT_WRITE, "usual in containers"},
    Kept{CAP_NET_ADMIN, "given to network containers"},
    Kept{CAP_SYS_NICE, "given to real-time containers"},
    Kept{CAP_IPC_LOCK, "given to database containers"},
    Kept{CAP_IPC_OWNER, "given to database containers"},
};

Result<Ok> reset_signals() {
  for (int number = 1; number < NSIG; ++number) {
    // Some cannot be changed, and need not be.
    static_cast<void>(::signal(number, SIG_DFL));
  }
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGCHLD);
  ::sigaddset(&blocked, SIGTERM);
  if (::sigprocmask(SIG_SETMASK, &blocked, nullptr) != 0) return from_errno("set the signal mask");
  return Ok{};
}

// Handlers inherit all of these: a container must not get a scheduling class of whoever started us.
Result<Ok> reset_scheduling() {
  const sched_param ordinary{};
  if (::sched_setscheduler(0, SCHED_OTHER, &ordinary) != 0)
    return from_errno("reset the scheduler");
  cpu_set_t all;
  std::memset(&all, 0xff, sizeof all);
  if (::sched_setaffinity(0, sizeof all, &all) != 0) return from_errno("reset the CPU affinity");
  if (::prctl(PR_SET_TIMERSLACK, 0) != 0) return from_errno("reset the timer slack");
  // Raising one's priority takes CAP_SYS_NICE, which this process may have been started without.
  if (::setpriority(PRIO_PROCESS, 0, 0) != 0 && errno != EACCES && errno != EPERM) {
    return from_errno("reset the priority");
  }
  return Ok{};
}

Result<Ok> raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return from_errno("read the descriptor limit");
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return from_errno("raise the descriptor limit");
  return Ok{};
}

// Handlers are our children, and KEYCTL_SESSION_TO_PARENT lets a child whose ids are all its
// parent's, as those of a container's root may be, put another session keyring in the place of
// ours, where all authorities land. It looks at the saved group too.
Result<Ok> differ_from_children() {
  constexpr gid_t kNobodys = 65534;
  if (broken::kParent || ::setresgid(static_cast<gid_t>(-1), static_cast<gid_t>(-1), kNobodys) == 0)
    return Ok{};
  return from_errno("become another group than our handlers");
}

}  // namespace

std::uint64_t kept_capabilities() {
  std::uint64_t set = 0;
  for (const auto& kept : kKept) set |= capability_bit(kept.capability);
  return set;
}

Result<Ok> limit_capabilities(std::uint64_t keep) {
  const auto held = permitted_capabilities();
  if (!held) return from_errno("read our capabilities");
  if (!drop_bounding_set(keep & *held)) return from_errno("limit the bounding set");
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    return from_errno("clear the ambient capabilities");
  }
  if (!set_capabilities(keep & *held)) return from_errno("limit our capabilities");
  return Ok{};
}

Result<Ok> settle() {
  if (!broken::kDumpable && ::prctl(PR_SET_DUMPABLE, 0) != 0)
    return from_errno("become not dumpable");
  // EPERM: already the leader of a process group, which is as good.
  if (::setsid() < 0 && errno != EPERM) return from_errno("start a session");
  ::umask(S_IWGRP | S_IWOTH);
  if (const auto done = differ_from_children(); !done) return done;
  if (const auto done = reset_signals(); !done) return done;
  if (const auto done = reset_scheduling(); !done) return done;
  return raise_descriptor_limit();
}

Result<Ok> refuse_suid_dumpable() {
  const auto text = kernel::read_file("/proc/sys/fs/suid_dumpable");
  if (!text) return text.error();
  if (text->starts_with('1')) {
    return from_errno("run handlers while the sysctl fs.suid_dumpable is 1 (set it to 0 or 2)",
                      EPERM);
  }
  return Ok{};
}

}  // namespace upcall::launcher
