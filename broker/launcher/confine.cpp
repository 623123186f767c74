// SPDX-License-Identifier: Apache-2.0
#include "launcher/confine.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/broken.h"
#include "launcher/birth.h"
#include "launcher/capabilities.h"
#include "launcher/low_fds.h"
#include "launcher/stranger.h"

namespace upcall::launcher {
namespace {

constexpr int kFailed = 127;

// System calls without the C library's thread bookkeeping, which clone3() has bypassed.
template <class... Args>
bool call(long number, Args... args) noexcept {
  return ::syscall(number, args...) >= 0;
}

bool write_all(const char* path, const char* text) noexcept {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = ::write(fd, text, std::strlen(text)) >= 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  return written;
}

// The unified hierarchy's was joined by the clone itself.
bool join_cgroups_v1(const Confinement& c) noexcept {
  return std::ranges::all_of(c.cgroups_v1, [](int tasks) { return ::write(tasks, "0", 1) == 1; });
}

// While we are in our own user namespace: inside, setgroups may be denied for good, and gids
// unmapped.
bool set_groups(const Confinement& c) noexcept {
  return call(SYS_setgroups, c.groups.size(), c.groups.data());
}

bool set_limits(const Confinement& c) noexcept {
  if constexpr (broken::kLimits) return true;
  for (const auto& change : c.limits) {
    if (!call(SYS_prlimit64, 0, change.resource, &change.limit, nullptr)) return false;
  }
  // Lowering the score takes CAP_SYS_RESOURCE. Without it the handler is only the likelier victim.
  if (c.oom_score_adj == nullptr || write_all("/proc/self/oom_score_adj", c.oom_score_adj))
    return true;
  return errno == EACCES;
}

// A process group of its own: the container's kill(0) must not reach ours, and ours must reach it
// all.
bool start_session(const Confinement& /*unused*/) noexcept {
  ::umask(S_IWGRP | S_IWOTH);
  sigset_t none;
  ::sigemptyset(&none);
  return call(SYS_personality, 0) && (broken::kGroup || call(SYS_setpgid, 0, 0)) &&
         ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

bool place_descriptors(const Confinement& c) noexcept {
  for (int i = 0; i < static_cast<int>(c.handler_fds.size()); ++i) {
    const int fd = c.handler_fds[static_cast<std::size_t>(i)];
    if (fd < 0 ? !call(SYS_close, i) : !call(SYS_dup3, fd, i, 0)) return false;
  }
  if (!call(SYS_dup3, c.status, kStatusFd, O_CLOEXEC)) return false;
  if (c.executable < 0) return call(SYS_close, kExecutableFd);
  return call(SYS_dup3, c.executable, kExecutableFd, broken::kInherited ? 0 : O_CLOEXEC);
}

// Now, while the host's procfs is in sight.
bool request_label(const Confinement& c) noexcept {
  return c.label_file == nullptr || write_all(c.label_file, c.label);
}

bool enter_namespaces(const Confinement& c) noexcept {
  return std::ranges::all_of(c.namespaces, [](int fd) { return fd < 0 || call(SYS_setns, fd, 0); });
}

bool enter_root(const Confinement& c) noexcept {
  if (c.root < 0 || broken::kRoot) return call(SYS_chdir, "/");
  const bool entered = call(SYS_fchdir, c.root) && call(SYS_chroot, ".") && call(SYS_chdir, "/");
  return entered && (c.cwd < 0 || call(SYS_fchdir, c.cwd));
}

// In host ids, so that no empty or odd map of the container can make us skip it.
bool set_ids(const Confinement& c) noexcept {
  if constexpr (broken::kIds) return true;
  return call(SYS_prctl, PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) &&
         call(SYS_setresgid, c.gid, c.gid, c.gid) && call(SYS_setresuid, c.uid, c.uid, c.uid);
}

bool enter_user_namespace(const Confinement& c) noexcept {
  return c.user_namespace < 0 || call(SYS_setns, c.user_namespace, CLONE_NEWUSER);
}

// Sets what is set already, unless the policy has ids of its own: an id that the namespace does not
// map is EINVAL here, and the handler does not run as somebody whom its container does not know.
bool set_inner_ids(const Confinement& c) noexcept {
  if constexpr (broken::kIds) return true;
  const uid_t uid = c.has_inner_ids ? c.inner_uid : static_cast<uid_t>(::syscall(SYS_getuid));
  const gid_t gid = c.has_inner_ids ? c.inner_gid : static_cast<gid_t>(::syscall(SYS_getgid));
  return call(SYS_prctl, PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) &&
         call(SYS_setresgid, gid, gid, gid) && call(SYS_setresuid, uid, uid, uid);
}

// Again: a change of user sets it to fs.suid_dumpable, and entering a user namespace of ours to 1.
bool become_undumpable(const Confinement& /*unused*/) noexcept {
  return broken::kDumpable || call(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
}

bool join_new_session_keyring() noexcept {
  return broken::kKeyring || call(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) ||
         errno == ENOSYS;
}

// The launcher's session keyring, with all that waits there for an answer, stays behind. The
// process keyring is only a bridge for the authority, since the handler, a process of its own, does
// not inherit it. The ids are set afterwards.
bool leave_keyring(const Confinement& c) noexcept {
  if (c.authority != 0 && !call(SYS_keyctl, KEYCTL_LINK, c.authority, KEY_SPEC_PROCESS_KEYRING))
    return false;
  for (int i = 0; i < kStrangers; ++i) {
    if (!call(SYS_setresuid, choose_stranger(), -1, -1)) return false;
    if (join_new_session_keyring()) return true;
    if (errno != EDQUOT) return false;
  }
  return false;
}

// Its own; a user with as many keys as he may have stays with that one, which is as empty. Entering
// a user namespace takes an assumed authority away, so it is assumed after that.
bool join_keyring(const Confinement& c) noexcept {
  if (!join_new_session_keyring() && errno != EDQUOT) return false;
  if (c.authority == 0) return true;
  return call(SYS_keyctl, KEYCTL_LINK, c.authority, KEY_SPEC_SESSION_KEYRING) &&
         call(SYS_keyctl, KEYCTL_CLEAR, KEY_SPEC_PROCESS_KEYRING) &&
         call(SYS_keyctl, KEYCTL_ASSUME_AUTHORITY, c.key);
}

// After the user namespace, which gives everything back.
bool limit_capabilities_to(const Confinement& c) noexcept {
  return call(SYS_prctl, PR_SET_SECUREBITS, 0, 0, 0, 0) && drop_bounding_set(c.capabilities) &&
         set_capabilities(c.capabilities) && become_undumpable(c);
}

bool forbid_new_privileges(const Confinement& c) noexcept {
  return !c.no_new_privileges || broken::kPrivileges ||
         call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

bool close_rest(const Confinement& /*unused*/) noexcept {
  return broken::kDescriptors || call(SYS_close_range, kExecutableFd + 1, ~0U, 0);
}

bool install_filters(const Confinement& c) noexcept {
  if constexpr (broken::kFilters) return true;
  for (const auto& filter : c.filters) {
    if (!call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter)) return false;
  }
  return true;
}

[[noreturn]] void fail(ConfineStep step) noexcept {
  const ConfineFailure failure{.step = step, .error = errno};
  // Nobody is left to hear of a status that cannot be sent; the launcher sees us end all the same.
  static_cast<void>(::send(kStatusFd, &failure, sizeof failure, MSG_NOSIGNAL));
  ::_exit(kFailed);
}

// The handler, before its exec. Nothing is left for it to drop.
int exec_handler(void* argument) noexcept {
  const auto& own = *static_cast<const Birth*>(argument);
  // The leader of a session can leave neither that nor its process group, whose number so stays its
  // own for as long as we have not reaped it.
  if (!broken::kGroup && !call(SYS_setsid)) fail(ConfineStep::session);
  if (own.executable < 0) {
    ::execve(own.path, own.argv, own.envp);
  } else {
    call(SYS_execveat, kExecutableFd, "", own.argv, own.envp, AT_EMPTY_PATH);
  }
  fail(ConfineStep::exec);
}

// What the handler is born from, once prepare_birth() has said so.
const Birth*& birth() noexcept {
  static const Birth* prepared = nullptr;
  return prepared;
}

// Now, while the host's procfs is in sight, and before any filter. Where the container could reach
// into the handler, that gets nothing of our memory, nor of the table of everybody's numbers: the
// kernel writes there for us.
bool prepare_birth(const Confinement& c) noexcept {
  constexpr std::size_t kStack = std::size_t{32} * 1024;
  alignas(16) static std::array<std::byte, kStack> stack;
  static Birth shared;
  shared = {
      .executable = c.executable, .path = c.path, .argv = c.argv, .envp = c.envp, .stack = stack};
  birth() = c.share_memory ? &shared : hide_all_but(shared);
  return birth() != nullptr && (c.share_memory || call(SYS_madvise, c.pid_table.data(),
                                                       c.pid_table.size_bytes(), MADV_DONTFORK));
}

// As our sibling, so that the launcher reaps it, and by the old clone(2), since containers' filters
// answer clone3 with ENOSYS. Its own stack even with vfork's semantics: on a shared one, our return
// address would be the child's to overwrite.
bool clone_handler(const Confinement& c) noexcept {
  const int sharing = c.share_memory || broken::kMemory ? CLONE_VM | CLONE_VFORK : 0;
  const int flags = CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD | sharing;
  auto* const own = const_cast<Birth*>(birth());
  return ::clone(&exec_handler, own->stack.data() + own->stack.size(), flags, own, c.handler_pid) >=
         0;
}

struct Step {
  ConfineStep name;
  bool (*take)(const Confinement&) noexcept;
};

constexpr std::array kSteps = {
    Step{ConfineStep::descriptors,
         place_descriptors},  // first: failures are reported on one of them
    Step{ConfineStep::join_cgroup, join_cgroups_v1},
    Step{ConfineStep::groups, set_groups},
    Step{ConfineStep::limits, set_limits},
    Step{ConfineStep::session, start_session},
    Step{ConfineStep::label, request_label},
    Step{ConfineStep::last_clone, prepare_birth},
    Step{ConfineStep::namespaces, enter_namespaces},
    Step{ConfineStep::root, enter_root},
    Step{ConfineStep::keyring, leave_keyring},
    Step{ConfineStep::ids, set_ids},
    Step{ConfineStep::user_namespace, enter_user_namespace},
    Step{ConfineStep::inner_ids, set_inner_ids},
    Step{ConfineStep::undumpable, become_undumpable},
    Step{ConfineStep::keyring, join_keyring},
    Step{ConfineStep::capabilities,
         broken::kCapabilities ? become_undumpable : limit_capabilities_to},
    Step{ConfineStep::no_new_privileges, forbid_new_privileges},
    Step{ConfineStep::close_rest, close_rest},
    Step{ConfineStep::filters, install_filters},
    Step{ConfineStep::last_clone, clone_handler},
};

}  // namespace

void become_stage1(const Confinement& confinement) noexcept {
  for (const auto& step : kSteps) {
    if (!step.take(confinement)) fail(step.name);
  }
  ::_exit(0);
}

}  // namespace upcall::launcher
