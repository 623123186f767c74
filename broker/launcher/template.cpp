// SPDX-License-Identifier: Apache-2.0
#include "launcher/template.h"

#include <fcntl.h>
#include <linux/seccomp.h>

#include <algorithm>

#include "kernel/cgroup_v1.h"
#include "kernel/pidfd.h"
#include "kernel/pidfd_tag.h"
#include "kernel/stat.h"

namespace upcall::launcher {
namespace {

using kernel::Namespace;

struct Outermost {
  UniqueFd fd;
  std::uint64_t id{};
};

// Climbs from `fd`, which is not the host's, to the last one below the host's.
Result<Outermost> climb(int fd, std::uint64_t id, std::uint64_t host) {
  Outermost found{.fd = UniqueFd{::fcntl(fd, F_DUPFD_CLOEXEC, 0)}, .id = id};
  if (!found.fd) return from_errno("hold a PID namespace");
  for (;;) {
    auto parent = kernel::parent_namespace(found.fd.get());
    if (!parent) return parent.error();
    if (!*parent) return from_errno("find a PID namespace below the host's", EXDEV);
    const auto parent_id = kernel::namespace_id((*parent)->get());
    if (!parent_id) return parent_id.error();
    if (*parent_id == host) return found;
    found = {.fd = std::move(**parent), .id = *parent_id};
  }
}

using Filters = std::vector<kernel::SeccompFilter>;

// Filters only ever become more: as many afterwards are the same.
Result<Filters> read_filters(const Own& own, const ThreadName& init,
                             const kernel::ProcessStatus& status) {
  if (status.seccomp_mode == SECCOMP_MODE_DISABLED) return Filters{};
  if (status.seccomp_mode != SECCOMP_MODE_FILTER)
    return from_errno("copy the strict mode of seccomp", ENOTSUP);
  if (!own.tasks) return own.tasks.error();
  auto filters = own.tasks->read_filters(init.tid, status.seccomp_filters);
  const auto now = kernel::read_status(proc_directory(init));
  if (!now) return now.error();
  if (now->seccomp_filters != status.seccomp_filters)
    return from_errno("hold the container's init still", EAGAIN);
  return filters;
}

Result<Container> read_container(const Own& own, const ThreadName& init) {
  auto subject = read_subject(init, own);
  if (!subject) return subject.error();
  auto filters = read_filters(own, init, subject->status);
  return Container{.init = *std::move(subject),
                   .cgroups_v1 = kernel::open_cgroups_v1(proc_directory(init)),
                   .filters = std::move(filters)};
}

Result<Container> read_init(const Own& own, pid_t pid, const ThreadName& origin) {
  // An init that is itself the origin may have lost its main thread: its dumping thread stands for
  // it.
  if (pid == origin.pid) return read_container(own, origin);
  const auto pidfd = kernel::open_pidfd(pid);
  if (!pidfd) return pidfd.error();
  const auto facts = kernel::query_pidfd(pidfd->get());
  if (!facts) return facts.error();
  auto init = read_container(own, {.pid = pid, .tid = pid, .cgroup_id = facts->cgroup_id});
  if (!init) return init.error();
  init->tag = kernel::read_tag(pidfd->get());
  if (!kernel::still_exists(pidfd->get())) return from_errno("hold the container's init", ESRCH);
  return init;
}

Result<Container> read_recorded(const Own& own, const Init& recorded, const ThreadName& origin) {
  const ThreadName leader{.pid = recorded.pid, .tid = recorded.pid};
  // Before its rights are read: what it has not yet become it may become meanwhile.
  const auto unfinished = is_unfinished(recorded.pid == origin.pid ? origin : leader);
  if (!unfinished) return unfinished.error();
  auto container = read_init(own, recorded.pid, origin);
  if (!container) return container.error();
  container->unfinished = *unfinished;
  if (!kernel::still_exists(recorded.pidfd.get()))
    return from_errno("hold the container's init", ESRCH);
  if (container->init.namespaces.id(Namespace::mnt) == own.namespaces.id(Namespace::mnt))
    return from_errno("take the host for a container", EXDEV);
  return container;
}

// The recorded init of the origin's cgroup, if its PID namespace is above the origin or the
// origin's own. One that has died leaves those behind who are in a PID namespace with it: they are
// nobody's else.
Result<const Init*> find_recorded(const Own& own, const Inits& inits, const Subject& origin) {
  const Init* recorded = inits.find(origin.cgroup_path);
  if (recorded == nullptr) return nullptr;
  const auto lineage =
      kernel::lineage(origin.namespaces.fd(Namespace::pid), own.namespaces.id(Namespace::pid));
  if (!lineage) return lineage.error();
  const auto ids = (*lineage).value_or(std::vector<std::uint64_t>{});
  if (std::ranges::find(ids, recorded->pid_namespace) == ids.end()) return nullptr;
  const bool matters = kernel::still_exists(recorded->pidfd.get()) ||
                       origin.namespaces.id(Namespace::pid) == recorded->pid_namespace;
  return matters ? recorded : nullptr;
}

// The init of the outermost PID namespace below the host's.
Result<std::optional<Container>> find_outermost(const Own& own, const Subject& origin,
                                                const ThreadName& origin_thread) {
  const auto host = own.namespaces.id(Namespace::pid);
  if (origin.namespaces.id(Namespace::pid) == host) return std::optional<Container>{};
  const auto outermost =
      climb(origin.namespaces.fd(Namespace::pid), origin.namespaces.id(Namespace::pid), host);
  if (!outermost) return outermost.error();
  const auto pid = kernel::find_init(outermost->fd.get());
  if (!pid) return pid.error();
  auto container = read_init(own, *pid, origin_thread);
  if (!container) return container.error();
  // The number may have passed on to another process before it was opened.
  if (container->init.namespaces.id(Namespace::pid) != outermost->id) {
    return from_errno("hold the container's init", ESRCH);
  }
  return std::optional{*std::move(container)};
}

}  // namespace

// One that is being executed may show the old arguments beside the new flags: they are looked at
// once more.
Result<bool> is_unfinished(const ThreadName& init) {
  const auto stat = kernel::read_stat(proc_directory(init));
  if (!stat) return stat.error();
  if (stat->forked_only) return true;
  const auto again = kernel::read_stat(proc_directory(init));
  if (!again) return again.error();
  return again->arguments == 0;
}

Result<std::optional<Container>> find_container(const Own& own, const Inits& inits,
                                                const Subject& origin,
                                                const ThreadName& origin_thread) {
  const auto recorded = find_recorded(own, inits, origin);
  if (!recorded) return recorded.error();
  if (*recorded == nullptr) return find_outermost(own, origin, origin_thread);
  auto container = read_recorded(own, **recorded, origin_thread);
  if (!container) return container.error();
  return std::optional{*std::move(container)};
}

}  // namespace upcall::launcher
