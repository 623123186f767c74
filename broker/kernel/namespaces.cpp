// SPDX-License-Identifier: Apache-2.0
#include "kernel/namespaces.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/stat.h>

#include <memory>

#include "base/broken.h"
#include "base/text.h"
#include "kernel/process_status.h"
#include "kernel/uapi_pidfd.h"

namespace upcall::kernel {
namespace {

constexpr std::array<unsigned long, kNamespaces> kRequests = {
    uapi::kPidfdGetCgroupNamespace, uapi::kPidfdGetIpcNamespace, uapi::kPidfdGetUtsNamespace,
    uapi::kPidfdGetNetNamespace,    uapi::kPidfdGetPidNamespace, uapi::kPidfdGetTimeNamespace,
    uapi::kPidfdGetMntNamespace,    uapi::kPidfdGetUserNamespace};

// More than the kernel allows to nest: a bound, so that no kernel fault can make a walk endless.
constexpr std::size_t kMaxDepth = 64;

Result<UniqueFd> open_namespace(std::optional<int> pidfd, const std::string& directory,
                                std::size_t kind) {
  if (pidfd) {
    UniqueFd fd{::ioctl(*pidfd, kRequests[kind], 0)};  // any other argument is refused
    if (fd) return fd;
    // ENOTTY: a pidfd from before pidfs. EINVAL: pidfs answers so to requests that it does not
    // know.
    if (errno != ENOTTY && errno != EINVAL) return from_errno("take a namespace from a pidfd");
  }
  const std::string path = directory + "/ns/" + kNamespaceNames[kind];
  UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return from_errno("open '" + path + "'", errno);
  return fd;
}

Result<std::optional<UniqueFd>> related_namespace(int fd, unsigned long request) {
  UniqueFd related{::ioctl(fd, request)};
  if (related) return std::optional{std::move(related)};
  if (errno == EPERM) return std::optional<UniqueFd>{};  // it is not within our own
  return from_errno("climb the namespaces");
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

bool is_init_of(pid_t pid, const struct stat& pid_namespace) {
  const std::string directory = "/proc/" + std::to_string(pid);
  struct stat found {};
  if (::stat((directory + "/ns/pid").c_str(), &found) != 0) return false;
  if (found.st_ino != pid_namespace.st_ino || found.st_dev != pid_namespace.st_dev) return false;
  const auto status = read_status(directory);
  return status && status->inner_pid == 1;
}

// For kernels without NS_GET_TGID_FROM_PIDNS (before 6.11).
Result<pid_t> search_init(int pid_namespace) {
  struct stat wanted {};
  if (::fstat(pid_namespace, &wanted) != 0) return from_errno("stat a PID namespace");
  const std::unique_ptr<DIR, CloseDirectory> proc{::opendir("/proc")};
  if (!proc) return from_errno("open '/proc'");
  while (const dirent* entry = ::readdir(proc.get())) {
    const auto pid = parse_integer<pid_t>(entry->d_name);
    if (pid && is_init_of(*pid, wanted)) return *pid;
  }
  return from_errno("find the init of a PID namespace", ESRCH);
}

}  // namespace

Result<NamespaceSet> open_namespaces(std::optional<int> thread_pidfd,
                                     const std::string& directory) {
  NamespaceSet set;
  for (std::size_t kind = 0; kind < kNamespaces; ++kind) {
    auto fd = open_namespace(thread_pidfd, directory, kind);
    if (!fd) return fd.error();
    const auto id = namespace_id(fd->get());
    if (!id) return id.error();
    set.fds[kind] = *std::move(fd);
    set.ids[kind] = *id;
  }
  return set;
}

Result<std::uint64_t> user_namespace_id(std::optional<int> thread_pidfd,
                                        const std::string& directory) {
  const auto fd =
      open_namespace(thread_pidfd, directory, static_cast<std::size_t>(Namespace::user));
  if (!fd) return fd.error();
  return namespace_id(fd->get());
}

Result<std::uint64_t> namespace_id(int fd) {
  std::uint64_t id = 0;
  if (::ioctl(fd, uapi::kNsGetId, &id) == 0) return id;
  if (errno != ENOTTY && errno != EINVAL) return from_errno("ask for a namespace's id");
  struct stat status {};
  if (::fstat(fd, &status) != 0) return from_errno("stat a namespace");
  return std::uint64_t{status.st_ino};
}

Result<std::optional<UniqueFd>> parent_namespace(int fd) {
  return related_namespace(fd, NS_GET_PARENT);
}

Result<std::optional<UniqueFd>> owning_user_namespace(int fd) {
  return related_namespace(fd, NS_GET_USERNS);
}

Result<std::optional<std::vector<std::uint64_t>>> lineage(int fd, std::uint64_t top) {
  std::vector<std::uint64_t> ids;
  UniqueFd held;
  while (ids.size() < kMaxDepth) {
    const auto id = namespace_id(fd);
    if (!id) return id.error();
    ids.push_back(*id);
    if (*id == top) return std::optional{std::move(ids)};
    auto parent = parent_namespace(fd);
    if (!parent) return parent.error();
    if (!*parent) return std::optional<std::vector<std::uint64_t>>{};
    held = std::move(**parent);
    fd = held.get();
  }
  return from_errno("climb the namespaces", ELOOP);
}

Result<pid_t> find_init(int pid_namespace) {
  const int pid = ::ioctl(pid_namespace, uapi::kNsGetTgidFromPidns, 1);
  if (pid > 0) return pid_t{pid};
  if (broken::kFallback || (errno != ENOTTY && errno != EINVAL))
    return from_errno("find the init of a PID namespace");
  return search_init(pid_namespace);
}

}  // namespace upcall::kernel
