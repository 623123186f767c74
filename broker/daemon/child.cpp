// SPDX-License-Identifier: Apache-2.0
#include "daemon/child.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <cstring>

namespace upcall::daemon {
namespace {

[[noreturn]] void die(const char* doing) {
  (void)std::fprintf(stderr, "upcalld: cannot %s: %s\n", doing, std::strerror(errno));
  ::_exit(127);
}

void drop_everything(const BrokerIds& ids) {
  for (unsigned long capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    // EINVAL: this kernel ends before our header does.
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL)
      die("drop the broker's capabilities");
  }
  // Groups, then group, then user: each later call takes away the right to make the earlier one.
  // Leaving uid 0 empties the permitted and the effective set.
  if (::setgroups(0, nullptr) != 0) die("drop the broker's groups");
  if (::setresgid(ids.gid, ids.gid, ids.gid) != 0) die("set the broker's group");
  if (::setresuid(ids.uid, ids.uid, ids.uid) != 0) die("set the broker's user");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) die("set no_new_privs");
}

[[noreturn]] void become(const ChildSpec& spec, char* const* arguments) {
  sigset_t none;
  ::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  // Ctrl-C on a terminal is for the supervisor to hand on, in the right order.
  if (::setsid() < 0) die("make a session");
  for (const int fd : spec.inherited) {
    if (::fcntl(fd, F_SETFD, 0) != 0) die("pass on a descriptor");
  }
  if (spec.unprivileged) drop_everything(*spec.unprivileged);
  char* const environment[] = {nullptr};
  (void)::syscall(SYS_execveat, spec.program, "", arguments, environment, AT_EMPTY_PATH);
  die("execute a program of ours");
}

std::string describe_status(int status) {
  if (WIFSIGNALED(status))
    return std::string{"was killed by SIG"} + ::sigabbrev_np(WTERMSIG(status));
  return "exited with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Result<BrokerIds> find_broker_ids(const std::string& name) {
  for (const char* candidate : {name.c_str(), "nobody"}) {
    const passwd* entry = ::getpwnam(candidate);  // NOLINT(concurrency-mt-unsafe): one thread
    if (entry == nullptr) continue;
    if (entry->pw_uid == 0)
      return from_errno("run the broker as '" + name + "', which is root", EPERM);
    return BrokerIds{.uid = entry->pw_uid, .gid = entry->pw_gid};
  }
  return from_errno("find a user for the broker, neither '" + name + "' nor 'nobody'", ENOENT);
}

Result<Child> start_child(const ChildSpec& spec) {
  std::vector<std::string> arguments = spec.arguments;
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) return from_errno("start " + arguments.front());
  if (pid == 0) become(spec, pointers.data());
  UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!pidfd) return from_errno("open a pidfd of " + arguments.front());
  return Child{arguments.front(), pid, std::move(pidfd)};
}

std::string Child::end(int milliseconds) {
  pollfd ended{.fd = pidfd_.get(), .events = POLLIN};
  if (::poll(&ended, 1, milliseconds) == 0) {
    (void)::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  return describe_status(status);
}

}  // namespace upcall::daemon
