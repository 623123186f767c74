// SPDX-License-Identifier: Apache-2.0
#include "launcher/inits.h"

#include <string.h>
#include <unistd.h>

#include "kernel/pidfd.h"
#include "kernel/stat.h"
#include "launcher/subject.h"

namespace upcall::launcher {
namespace {

using kernel::Namespace;

// Two descriptors each; most containers have a PID namespace of their own and are not in here.
constexpr std::size_t kMost = 1024;

// A directory in which no file is found any more; another one may have its path by now.
bool is_removed(int cgroup) { return ::faccessat(cgroup, "cgroup.procs", F_OK, 0) != 0; }

struct Found {
  Init init;
  std::string cgroup_path;
};

// The process with this number, if it started then. All of it is the same process's if the pidfd
// says so in the end.
Result<Found> find_process(const Own& own, pid_t pid, std::uint64_t start_time) {
  auto pidfd = kernel::open_pidfd(pid);
  if (!pidfd) return pidfd.error();
  const auto facts = kernel::query_pidfd(pidfd->get());
  if (!facts) return facts.error();
  const ThreadName leader{.pid = pid, .tid = pid, .cgroup_id = facts->cgroup_id};
  const auto stat = kernel::read_stat(proc_directory(leader));
  if (!stat) return stat.error();
  auto subject = read_subject(leader, own);
  if (!subject) return subject.error();
  const bool same = stat->start_time == start_time && kernel::still_exists(pidfd->get());
  if (!same) return from_errno("find a container's init", ESRCH);
  const bool is_container =
      subject->cgroup_path.size() > 1 &&
      subject->namespaces.id(Namespace::mnt) != own.namespaces.id(Namespace::mnt);
  if (!is_container) return from_errno("take the host for a container", EINVAL);
  return Found{.init = {.pidfd = *std::move(pidfd),
                        .cgroup = std::move(subject->cgroup),
                        .pid = pid,
                        .pid_namespace = subject->namespaces.id(Namespace::pid)},
               .cgroup_path = std::move(subject->cgroup_path)};
}

}  // namespace

Result<Ok> Inits::add(const Own& own, const Records& records, const wire::InitRequest& request) {
  const std::string_view name{request.name.data(),
                              ::strnlen(request.name.data(), request.name.size())};
  auto found = find_process(own, request.pid, request.start_time);
  if (!found) return found.error();
  const auto recorded =
      records.check_init(request.directory, request.file, name, request.pid, request.start_time);
  if (!recorded) return recorded.error();
  if (by_cgroup_.size() >= kMost) drop_those_of_removed_cgroups();
  const auto known = by_cgroup_.find(found->cgroup_path);
  if (known == by_cgroup_.end() && by_cgroup_.size() >= kMost)
    return from_errno("know one more container's init", ENOSPC);
  // Whose cgroup it is: that of whoever had it first, for as long as he lives.
  if (known != by_cgroup_.end() && known->second.pid != request.pid &&
      kernel::still_exists(known->second.pidfd.get()))
    return from_errno("give a cgroup to two containers", EEXIST);
  by_cgroup_.insert_or_assign(std::move(found->cgroup_path), std::move(found->init));
  return Ok{};
}

const Init* Inits::find(std::string_view cgroup_path) const {
  for (; !by_cgroup_.empty() && cgroup_path.size() > 1;
       cgroup_path = cgroup_path.substr(0, cgroup_path.rfind('/'))) {
    const auto found = by_cgroup_.find(std::string{cgroup_path});
    if (found != by_cgroup_.end() && !is_removed(found->second.cgroup.get())) return &found->second;
  }
  return nullptr;
}

void Inits::drop_those_of_removed_cgroups() {
  std::erase_if(by_cgroup_, [](const auto& one) { return is_removed(one.second.cgroup.get()); });
}

}  // namespace upcall::launcher
