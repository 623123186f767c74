// SPDX-License-Identifier: Apache-2.0
#include "kernel/pidfd.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include <string>

#include "base/text.h"
#include "kernel/read_file.h"
#include "kernel/uapi_pidfd.h"

namespace upcall::kernel {
namespace {

int dumpable_from(std::uint32_t mask) {
  if ((mask & uapi::kPidfdCoredumpUser) != 0) return 1;
  return (mask & uapi::kPidfdCoredumpRoot) != 0 ? 2 : 0;
}

// The "Pid:" line of /proc/self/fdinfo: -1 for a process that is gone, 0 for one that we cannot
// see.
Result<PidfdFacts> query_fdinfo(int pidfd) {
  const auto text = read_file("/proc/self/fdinfo/" + std::to_string(pidfd));
  if (!text) return text.error();
  std::string_view rest{*text};
  while (!rest.empty()) {
    auto line = take_until(rest, '\n');
    if (take_until(line, '\t') != "Pid:") continue;
    const auto pid = parse_integer<pid_t>(line);
    if (pid && *pid > 0) return PidfdFacts{.pid = *pid};
    return from_errno("find the process of a pidfd", ESRCH);
  }
  return from_errno("use a descriptor that is no pidfd", EBADF);
}

Result<UniqueFd> pidfd_open(pid_t pid, unsigned flags) {
  UniqueFd fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, flags))};
  if (!fd) return from_errno("open a pidfd");
  return fd;
}

}  // namespace

Result<PidfdFacts> query_pidfd(int pidfd) {
  uapi::PidfdInfo info{.mask = uapi::kPidfdInfoPid | uapi::kPidfdInfoCgroupid |
                               uapi::kPidfdInfoCoredump};
  if (::ioctl(pidfd, uapi::kPidfdGetInfo, &info) != 0) {
    // ENOTTY: a pidfd from before pidfs. EINVAL: pidfs answers so to requests that it does not
    // know.
    if (errno == ENOTTY || errno == EINVAL) return query_fdinfo(pidfd);
    return from_errno("ask the kernel about a pidfd");
  }
  // The kernel writes back into the mask what it filled in: the request's mask is no promise.
  const auto has = [&](std::uint64_t bit) { return (info.mask & bit) != 0; };
  if (!has(uapi::kPidfdInfoPid) || info.tgid == 0) {
    return from_errno("find the process of a pidfd", ESRCH);
  }
  PidfdFacts facts{.pid = static_cast<pid_t>(info.tgid)};
  if (has(uapi::kPidfdInfoCgroupid)) facts.cgroup_id = info.cgroupid;
  if (has(uapi::kPidfdInfoCoredump)) {
    facts.dumpable = dumpable_from(info.coredump_mask);
    facts.dumped = (info.coredump_mask & uapi::kPidfdCoredumped) != 0;
  }
  return facts;
}

Result<UniqueFd> open_pidfd(pid_t pid) { return pidfd_open(pid, 0); }

Result<std::optional<UniqueFd>> open_thread_pidfd(pid_t tid) {
  auto fd = pidfd_open(tid, uapi::kPidfdThread);
  if (fd) return std::optional{*std::move(fd)};
  if (fd.error().code == std::errc::invalid_argument) return std::optional<UniqueFd>{};
  return fd.error();
}

bool still_exists(int pidfd) {
  // EPERM says that it lives and is not ours.
  return ::syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0) == 0 || errno == EPERM;
}

}  // namespace upcall::kernel
