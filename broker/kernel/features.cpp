// SPDX-License-Identifier: Apache-2.0
#include "kernel/features.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/unique_fd.h"
#include "kernel/core_pattern.h"
#include "kernel/peer.h"
#include "kernel/pidfd.h"
#include "kernel/task_reader.h"
#include "kernel/uapi_pidfd.h"

namespace upcall::kernel {
namespace {

UniqueFd our_pidfd() {
  auto pidfd = open_pidfd(::getpid());
  return pidfd ? *std::move(pidfd) : UniqueFd{};
}

UniqueFd our_namespace(const char* path) { return UniqueFd{::open(path, O_RDONLY | O_CLOEXEC)}; }

bool peers_by_pidfd() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return false;
  const UniqueFd one{ends[0]};
  const UniqueFd other{ends[1]};
  return bool{query_peer(one.get())};
}

bool namespaces_by_pidfd() {
  const UniqueFd opened{::ioctl(our_pidfd().get(), uapi::kPidfdGetUtsNamespace, 0)};
  return bool{opened};
}

bool inits_by_namespace() {
  const auto pids = our_namespace("/proc/self/ns/pid");
  return ::ioctl(pids.get(), uapi::kNsGetTgidFromPidns, 1) > 0;
}

bool namespace_ids() {
  std::uint64_t id = 0;
  return ::ioctl(our_namespace("/proc/self/ns/uts").get(), uapi::kNsGetId, &id) == 0;
}

bool thread_pidfds() {
  const auto opened = open_thread_pidfd(::getpid());
  return opened && *opened;
}

// Of ourselves, who do not dump: it says whether the kernel knows the question.
bool knows_of(std::uint64_t what) {
  uapi::PidfdInfo info{.mask = what};
  return ::ioctl(our_pidfd().get(), uapi::kPidfdGetInfo, &info) == 0 && (info.mask & what) == what;
}

bool tags() {
  std::array<char, 1> value{};
  return ::fgetxattr(our_pidfd().get(), "trusted.upcalld.tag", value.data(), value.size()) >= 0 ||
         errno == ENODATA || errno == ERANGE;
}

bool core_sockets_are_listed() {
  const auto modes = read_core_modes();
  return modes && std::find(modes->begin(), modes->end(), "socket") != modes->end();
}

}  // namespace

std::vector<Feature> probe_features() {
  return {
      {"threads looked at by BPF", "6.1", "handlers get the seccomp filters of their container",
       "handlers of containers that have filters are refused, but with 'seccomp: best-effort'",
       bool{TaskReader::make()}},
      {"SO_PEERPIDFD", "6.5", "who connects is known by a pidfd",
       "who connects is known by a number that is looked at again", peers_by_pidfd()},
      {"PIDFD_THREAD", "6.9", "one thread is held by a pidfd",
       "the process is held by a pidfd, its thread by a number that is looked at again",
       thread_pidfds()},
      {"PIDFD_GET_*_NAMESPACE", "6.11", "namespaces are taken from the pidfd",
       "namespaces are opened in /proc, and the process looked at again", namespaces_by_pidfd()},
      {"NS_GET_TGID_FROM_PIDNS", "6.11", "the init of a container is asked of its PID namespace",
       "the init of a container is searched for in /proc", inits_by_namespace()},
      {"PIDFD_GET_INFO", "6.13", "the process and its cgroup are asked of the pidfd",
       "the process is read from /proc/self/fdinfo, its cgroup from /proc",
       knows_of(uapi::kPidfdInfoPid)},
      {"PIDFD_INFO_COREDUMP", "6.16",
       "the kernel tells whether the process dumps core, and whether root alone may have it",
       "BPF shows whether root alone may have the core; without that, of core dumps core_pattern's "
       "%d",
       knows_of(uapi::kPidfdInfoCoredump)},
      {"attributes of pidfds", "6.17", "'upcallctl tag' marks processes",
       "'upcallctl tag' says that it cannot", tags()},
      {"socket in kernel.core_modes", "6.18",
       "core dumps come in by the core dump socket, without a process for each",
       "core dumps come in by the socket where it proves to work (6.17), or by upcall-shim",
       core_sockets_are_listed()},
      {"NS_GET_ID", "6.18", "namespaces have ids that are never used twice",
       "namespaces have inode numbers as ids", namespace_ids()},
  };
}

}  // namespace upcall::kernel
