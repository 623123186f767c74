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

#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "base/text.h"

namespace upcall::daemon {
namespace {

constexpr const char* kUsualUser = "upcall-broker";

[[noreturn]] void die(const char* doing) {
  (void)std::fprintf(stderr, "upcalld: cannot %s: %s\n", doing, std::strerror(errno));
  ::_exit(127);
}

std::uint64_t own_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) die("read our capabilities");
  return data[0].permitted | std::uint64_t{data[1].permitted} << 32U;
}

void set_capabilities(std::uint64_t permitted, std::uint64_t inheritable, const char* doing) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> data{};
  for (auto& half : data) {
    half.permitted = half.effective = static_cast<std::uint32_t>(permitted);
    half.inheritable = static_cast<std::uint32_t>(inheritable);
    permitted >>= 32U;
    inheritable >>= 32U;
  }
  if (::syscall(SYS_capset, &header, data.data()) != 0) die(doing);
}

// All but CAP_SYS_CHROOT, which the broker gives up itself: it can only lock itself in once the
// dynamic linker has done its work (confine_broker).
void drop_everything(const BrokerIds& ids) {
  constexpr std::uint64_t kChroot = std::uint64_t{1} << CAP_SYS_CHROOT;
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) die("keep a capability of the broker");
  set_capabilities(own_capabilities(), kChroot, "make a capability of the broker inheritable");
  for (unsigned long capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    // EINVAL: this kernel ends before our header does.
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL)
      die("drop the broker's capabilities");
  }
  // Groups, then group, then user: each later call takes away the right to make the earlier one.
  if (::setgroups(0, nullptr) != 0) die("drop the broker's groups");
  if (::setresgid(ids.gid, ids.gid, ids.gid) != 0) die("set the broker's group");
  if (::setresuid(ids.uid, ids.uid, ids.uid) != 0) die("set the broker's user");
  set_capabilities(kChroot, kChroot, "drop the broker's capabilities");
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0, 0) != 0)
    die("hand a capability to the broker");
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
  const std::array<char*, 1> no_environment{};
  (void)::syscall(SYS_execveat, spec.program, "", arguments, no_environment.data(), AT_EMPTY_PATH);
  die("execute a program of ours");
}

std::string describe_status(int status) {
  if (WIFSIGNALED(status))
    return std::string{"was killed by SIG"} + ::sigabbrev_np(WTERMSIG(status));
  return "exited with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

BrokerIds find_broker_ids(const std::optional<std::string>& name) {
  const auto wanted = name.value_or(kUsualUser);
  const passwd* entry = ::getpwnam(wanted.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
  if (entry == nullptr && name) {
    throw std::runtime_error{"there is no user '" + printable(wanted) +
                             "' for the broker: make it ('useradd --system'), or leave "
                             "--broker-user out"};
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
  if (entry == nullptr) entry = ::getpwnam("nobody");
  if (entry == nullptr) {
    throw std::runtime_error{std::string{"there is neither a user '"} + kUsualUser +
                             "' for the broker nor 'nobody': make the first ('useradd --system'), "
                             "or name another with --broker-user"};
  }
  if (entry->pw_uid == 0) {
    throw std::runtime_error{"the broker reads what strangers send and must not be root, as '" +
                             printable(wanted) + "' is: name another with --broker-user"};
  }
  return {.uid = entry->pw_uid, .gid = entry->pw_gid};
}

Result<Child> start_child(const ChildSpec& spec) {
  std::vector<std::string> arguments = spec.arguments;
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
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
