// SPDX-License-Identifier: Apache-2.0
#include "launcher/disclosure.h"

#include <linux/capability.h>

#include <algorithm>
#include <string_view>

#include "launcher/capabilities.h"
#include "wire/launcher.h"

namespace upcall::launcher {
namespace {

using kernel::Namespace;

bool contains(const std::vector<std::uint64_t>& ids, std::uint64_t id) {
  return std::ranges::find(ids, id) != ids.end();
}

bool same(const Subject& a, const Subject& b, Namespace kind) {
  return a.namespaces.id(kind) == b.namespaces.id(kind);
}

// The origin's mounts are the container's, or made by somebody whom the container's own user
// namespace rules. Below the host's user namespace everything is, so that says nothing.
bool mounts_inside(const Subject& origin, const Subject& container, const Lineages& lineages) {
  if (same(origin, container, Namespace::mnt)) return true;
  const auto id = container.namespaces.id(Namespace::user);
  return id != lineages.host_user && contains(lineages.mount_owners, id);
}

// Whether the container's init could become whoever it likes inside, and so trace whom it likes.
bool rules_its_users(const Subject& container) {
  constexpr std::uint64_t kEnough = capability_bit(CAP_SYS_PTRACE) | capability_bit(CAP_SETUID);
  return (container.status.permitted & kEnough) != 0;
}

bool same_user(const Subject& origin, const Subject& container) {
  return origin.status.real_uid == container.status.effective_uid &&
         origin.status.effective_uid == container.status.effective_uid;
}

// An init that is nobody in particular may only see what is its own user's. In a user namespace of
// its own below the container's, all capabilities of the origin are worth nothing outside it.
bool capabilities_inside(const Subject& origin, const Subject& container) {
  const bool rules = rules_its_users(container);
  if (!rules && !same_user(origin, container)) return false;
  if (!same(origin, container, Namespace::user)) return true;
  const auto most = rules ? container.status.bounding : container.status.permitted;
  return (origin.status.permitted & ~most) == 0;
}

// A container that runs its own service manager has its init in a child cgroup, and the rest beside
// it.
std::string_view container_cgroup(std::string_view path_of_init) {
  constexpr std::string_view kInitScope = "/init.scope";
  if (path_of_init.ends_with(kInitScope)) path_of_init.remove_suffix(kInitScope.size());
  return path_of_init;
}

bool cgroup_inside(const Subject& origin, const Subject& container) {
  if (origin.cgroup_path.empty() || container.cgroup_path.empty()) return false;
  const auto top = container_cgroup(container.cgroup_path);
  const std::string_view path{origin.cgroup_path};
  return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
}

// What shares the host's processes and users, and may trace them, has the host already: there is no
// less that a handler of it could be given.
bool confinable(const Subject& container, const Lineages& lineages) {
  return container.namespaces.id(Namespace::pid) != lineages.host_pid ||
         container.namespaces.id(Namespace::user) != lineages.host_user ||
         (container.status.bounding & capability_bit(CAP_SYS_PTRACE)) == 0;
}

// A process that entered from outside brings weaker filters than the container's.
bool filters_inside(const Subject& origin, const Subject& container) {
  const auto& inner = origin.status;
  const auto& outer = container.status;
  return inner.seccomp_mode >= outer.seccomp_mode &&
         inner.seccomp_filters >= outer.seccomp_filters &&
         (inner.no_new_privileges || !outer.no_new_privileges);
}

}  // namespace

std::uint32_t failed_rules(const Subject& origin, const Subject& container,
                           const Lineages& lineages, std::optional<int> dumpable) {
  std::uint32_t failed = 0;
  const auto demand = [&failed](bool holds, wire::DisclosureRule rule) {
    if (!holds) failed |= rule;
  };
  demand(contains(lineages.users, container.namespaces.id(Namespace::user)),
         wire::user_namespace_outside);
  demand(contains(lineages.pids, container.namespaces.id(Namespace::pid)),
         wire::pid_namespace_outside);
  demand(mounts_inside(origin, container, lineages), wire::mount_namespace_outside);
  demand(capabilities_inside(origin, container), wire::capabilities_exceed);
  demand(cgroup_inside(origin, container), wire::cgroup_outside);
  demand(dumpable == 1, wire::not_dumpable);
  demand(filters_inside(origin, container), wire::filters_weaker);
  demand(confinable(container, lineages), wire::not_confinable);
  return failed;
}

}  // namespace upcall::launcher
