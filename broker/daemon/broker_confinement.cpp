// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker_confinement.h"

#include <linux/capability.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

namespace upcall::daemon {
namespace {

// Everything else fails with EPERM: no execve, ptrace, setns, clone of a process, mount, kill.
constexpr std::array kAllowed = {
    // Asio and the C library's memory.
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(futex),
    SCMP_SYS(brk),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(mprotect),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(sched_yield),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
    // Sockets that were inherited, and pairs for handlers. No socket(2): it makes no new
    // connection.
    SCMP_SYS(accept4),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(socketpair),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(fcntl),
    SCMP_SYS(ioctl),
    SCMP_SYS(close),
    SCMP_SYS(dup),
    // /proc, /sys, the log, the tables.
    SCMP_SYS(openat),
    SCMP_SYS(readlinkat),
    SCMP_SYS(read),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(getdents64),
    // Cgroups, with an instance that was inherited.
    SCMP_SYS(inotify_add_watch),
    SCMP_SYS(inotify_rm_watch),
    // Whether a process still lives: signal 0 is all that an unprivileged sender can send to
    // others.
    SCMP_SYS(pidfd_send_signal),
    // For a shim whose kernel gives no pidfd (core_pattern has %F since Linux 6.16).
    SCMP_SYS(pidfd_open),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(gettid),
    // The end.
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(tgkill),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
};

void lock_in(int root) {
  ::tzset();  // reads /etc/localtime, for the log
  if (::fchdir(root) != 0 || ::chroot(".") != 0)
    throw std::system_error{errno, std::system_category(), "cannot leave the host's file system"};
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const std::array<__user_cap_data_struct, 2> none{};
  if (::syscall(SYS_capset, &header, none.data()) != 0 ||
      ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    throw std::system_error{errno, std::system_category(), "cannot drop the last capability"};
  }
}

void use_all_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

void check(int result, const char* doing) {
  if (result < 0) throw std::system_error{-result, std::system_category(), doing};
}

void filter_system_calls() {
  const std::unique_ptr<void, decltype(&::seccomp_release)> filter{
      ::seccomp_init(SCMP_ACT_ERRNO(EPERM)), &::seccomp_release};
  if (!filter)
    throw std::system_error{ENOMEM, std::system_category(), "cannot make a seccomp filter"};
  for (const int call : kAllowed) {
    check(::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0),
          "cannot fill the seccomp filter");
  }
  // Its own limits, to know and not to change them.
  check(::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2,
                           SCMP_A0_64(SCMP_CMP_EQ, 0), SCMP_A2_64(SCMP_CMP_EQ, 0)),
        "cannot fill the seccomp filter");
  check(::seccomp_load(filter.get()), "cannot load the seccomp filter");
}

}  // namespace

void confine_broker(int proc) {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    throw std::system_error{errno, std::system_category(), "cannot become non-dumpable"};
  }
  lock_in(proc);
  use_all_descriptors();
  filter_system_calls();
}

}  // namespace upcall::daemon
