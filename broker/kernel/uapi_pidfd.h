// SPDX-License-Identifier: Apache-2.0
// Linux ABI of pidfds and namespace descriptors that is newer than Debian 12's headers (Linux 6.1):
// <linux/pidfd.h>, <linux/nsfs.h>. Until Debian 13's headers.
#pragma once

#include <fcntl.h>
#include <sys/ioctl.h>

#include <cstdint>

namespace upcall::uapi {

inline constexpr unsigned kPidfdThread = O_EXCL;  // PIDFD_THREAD, Linux 6.9

// struct pidfd_info as of Linux 6.16 (PIDFD_INFO_SIZE_VER1). Other kernels take it, too: they fill
// what they know and say so in `mask`.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroupid;
  std::uint32_t pid;
  std::uint32_t tgid;
  std::uint32_t ppid;
  std::uint32_t ruid;
  std::uint32_t rgid;
  std::uint32_t euid;
  std::uint32_t egid;
  std::uint32_t suid;
  std::uint32_t sgid;
  std::uint32_t fsuid;
  std::uint32_t fsgid;
  std::int32_t exit_code;
  std::uint32_t coredump_mask;
  std::uint32_t coredump_signal;
};
static_assert(sizeof(PidfdInfo) == 72);

inline constexpr std::uint64_t kPidfdInfoPid = 1U << 0U;
inline constexpr std::uint64_t kPidfdInfoCgroupid = 1U << 2U;
inline constexpr std::uint64_t kPidfdInfoCoredump = 1U << 4U;

inline constexpr std::uint32_t kPidfdCoredumped = 1U << 0U;
inline constexpr std::uint32_t kPidfdCoredumpUser = 1U << 2U;
inline constexpr std::uint32_t kPidfdCoredumpRoot = 1U << 3U;

inline constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);

// PIDFD_GET_*_NAMESPACE, Linux 6.11.
inline constexpr unsigned long kPidfdGetCgroupNamespace = _IO(0xFF, 1);
inline constexpr unsigned long kPidfdGetIpcNamespace = _IO(0xFF, 2);
inline constexpr unsigned long kPidfdGetMntNamespace = _IO(0xFF, 3);
inline constexpr unsigned long kPidfdGetNetNamespace = _IO(0xFF, 4);
inline constexpr unsigned long kPidfdGetPidNamespace = _IO(0xFF, 5);
inline constexpr unsigned long kPidfdGetTimeNamespace = _IO(0xFF, 7);
inline constexpr unsigned long kPidfdGetUserNamespace = _IO(0xFF, 9);
inline constexpr unsigned long kPidfdGetUtsNamespace = _IO(0xFF, 10);

inline constexpr unsigned long kNsGetTgidFromPidns = _IOR(0xb7, 7, int);  // Linux 6.11
inline constexpr unsigned long kNsGetId = _IOR(0xb7, 13, std::uint64_t);  // Linux 6.18

}  // namespace upcall::uapi
