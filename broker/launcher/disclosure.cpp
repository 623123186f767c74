// SPDX-License-Identifier: Apache-2.0
#include "launcher/disclosure.h"

#include <algorithm>
#include <string_view>

#include "wire/launcher.h"

namespace upcall::launcher {
namespace {

using kernel::Namespace;

bool contains(const std::vector<std::uint64_t>& ids, std::uint64_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool same(const Subject& a, const Subject& b, Namespace kind) {
  return a.namespaces.id(kind) == b.namespaces.id(kind);
}

// The origin's mounts are the container's, or made by somebody whom the container's own user
// namespace rules. Below the host's user namespace everything is, so that says nothing.
bool mounts_inside(const Subject& origin, const Subject& container, const UserNamespaces& users) {
  if (same(origin, container, Namespace::mnt)) return true;
  const auto id = container.namespaces.id(Namespace::user);
  return id != users.host && contains(users.mount_owner, id);
}

// In a user namespace of its own below the container's, all capabilities are worth nothing outside
// it.
bool capabilities_inside(const Subject& origin, const Subject& container) {
  if (!same(origin, container, Namespace::user)) return true;
  return (origin.status.permitted & ~container.status.bounding) == 0;
}

// A container that runs its own service manager has its init in a child cgroup, and the rest beside
// it.
std::string_view container_cgroup(std::string_view path_of_init) {
  constexpr std::string_view kInitScope = "/init.scope";
  if (path_of_init.ends_with(kInitScope)) path_of_init.remove_suffix(kInitScope.size());
  return path_of_init;
}

bool cgroup_inside(const Subject& origin, const Subject& container) {
  if (!origin.cgroup || !container.cgroup) return false;
  const auto top = container_cgroup(container.cgroup_path);
  const std::string_view path{origin.cgroup_path};
  return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
}

// A process that entered from outside brings weaker filters than the container's.
bool filters_inside(const Subject& origin, const Subject& container) {
  const auto& inner = origin.status;
  const auto& outer = container.status;
  return inner.seccomp_mode >= outer.seccomp_mode &&
         inner.seccomp_filters >= outer.seccomp_filters &&
         inner.no_new_privileges >= outer.no_new_privileges;
}

}  // namespace

std::uint32_t failed_rules(const Subject& origin, const Subject& container,
                           const UserNamespaces& users, std::optional<int> dumpable) {
  std::uint32_t failed = 0;
  const auto demand = [&failed](bool holds, wire::DisclosureRule rule) {
    if (!holds) failed |= rule;
  };
  demand(contains(users.origin, container.namespaces.id(Namespace::user)),
         wire::user_namespace_outside);
  // The container's init was found by climbing from the origin's PID namespace; here it must still
  // be process 1 of what it was found for.
  demand(container.status.inner_pid == 1, wire::pid_namespace_outside);
  demand(mounts_inside(origin, container, users), wire::mount_namespace_outside);
  demand(capabilities_inside(origin, container), wire::capabilities_exceed);
  demand(cgroup_inside(origin, container), wire::cgroup_outside);
  demand(dumpable == 1, wire::not_dumpable);
  demand(filters_inside(origin, container), wire::filters_weaker);
  return failed;
}

}  // namespace upcall::launcher
