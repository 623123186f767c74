// SPDX-License-Identifier: Apache-2.0
#include "launcher/plan.h"

#include <linux/capability.h>
#include <sys/resource.h>

#include <algorithm>

#include "launcher/capabilities.h"

namespace upcall::launcher {
namespace {

using kernel::Namespace;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

bool shares_our_users(const Own& own, const Subject& subject) {
  return subject.namespaces.id(Namespace::user) == own.namespaces.id(Namespace::user);
}

// Such a container could read and write the handler before its exec, and with it stage 1, if they
// shared their memory. What its init holds does not bound that: a set-uid program inside gives
// more.
bool could_reach_into_us(const Own& own, const Subject& subject) {
  const auto within_reach = subject.status.permitted | subject.status.bounding;
  return shares_our_users(own, subject) && (within_reach & capability_bit(CAP_SYS_PTRACE)) != 0;
}

// Below a user namespace of its own, a capability is none of the host's; in ours, nothing beyond
// what the launcher itself has kept.
std::uint64_t most_of(const Own& own, const Subject& subject, std::uint64_t wanted) {
  const auto allowed = wanted & subject.status.bounding;
  return shares_our_users(own, subject) ? allowed & own.capabilities : allowed;
}

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

// What we know ourselves is not the broker's to say: what a handler on the host does as root hangs
// on it.
std::vector<std::string> own_facts(const Row& row, const Capture& capture) {
  std::vector<std::string> facts{"UPCALL_EVENT_FD=3"};
  if (row.handler.place == wire::Place::container) return facts;
  if (!capture.pidfd) {
    // Without a process there is none whose ids the broker could invent. Where the row is of both,
    // may_say() has seen to it.
    if (!row.handler.helpers) facts.emplace_back("UPCALL_EVENT=uevent");
    if (!row.handler.uevents) facts.emplace_back("UPCALL_EVENT=usermode-helper");
    return facts;
  }
  const auto add = [&facts](const char* name, auto value) {
    facts.push_back(std::string{name} + "=" + std::to_string(value));
  };
  if (row.handler.place == wire::Place::host) facts.emplace_back("UPCALL_PIDFD=4");
  add("UPCALL_PID", capture.pid);
  add("UPCALL_TID", capture.tid);
  if (capture.origin) {
    add("UPCALL_UID", capture.origin->status.real_uid);
    add("UPCALL_GID", capture.origin->status.real_gid);
  }
  if (capture.key) {
    add("UPCALL_KEY", capture.key->key);
    facts.push_back("UPCALL_KEY_TYPE=" + capture.key->described.type);
    facts.push_back("UPCALL_KEY_DESCRIPTION=" + capture.key->described.description);
    return facts;
  }
  if (capture.dumpable) add("UPCALL_DUMPABLE", *capture.dumpable);
  if (capture.signal > 0) add("UPCALL_SIGNAL_NUMBER", capture.signal);
  return facts;
}

// Each name once: some programs take the first of two values, others the last.
void add_unless_set(std::vector<std::string>& environment, std::vector<std::string> more) {
  for (auto& variable : more) {
    const bool set = std::ranges::any_of(
        environment, [&](const auto& one) { return name_of(one) == name_of(variable); });
    if (!set) environment.push_back(std::move(variable));
  }
}

rlimit least(const rlimit& a, const rlimit& b) {
  return {.rlim_cur = std::min(a.rlim_cur, b.rlim_cur),
          .rlim_max = std::min(a.rlim_max, b.rlim_max)};
}

}  // namespace

Plan::Plan(const Own& own, const Row& row, const Capture& capture,
           std::vector<std::string> environment, std::span<const int, 4> fds)
    : environment_{row.handler.environment} {
  add_unless_set(environment_, own_facts(row, capture));
  add_unless_set(environment_, std::move(environment));
  std::ranges::copy(fds, confinement_.handler_fds.begin());
  confinement_.handler_fds.back() = -1;
  confinement_.namespaces.fill(-1);
  switch (row.handler.place) {
    case wire::Place::host:
      take_host(own, row, capture);
      break;
    case wire::Place::container:
      take_container(own, row, capture);
      break;
    case wire::Place::origin:
      take_origin(own, capture);
      break;
  }
  if (row.handler.authority) {
    confinement_.key = capture.key->key;
    confinement_.authority = capture.key->authority;
  }
  take_program(row);
}

void Plan::take_program(const Row& row) {
  arguments_ = fill_arguments(row.handler.arguments, environment_);
  argv_ = pointers(arguments_);
  envp_ = pointers(environment_);
  confinement_.argv = argv_.data();
  confinement_.envp = envp_.data();
  confinement_.path = row.handler.path.c_str();
  confinement_.executable = row.executable.get();
}

void Plan::take_host(const Own& own, const Row& row, const Capture& capture) {
  confinement_.handler_fds.back() = capture.pidfd.get();
  confinement_.no_new_privileges = false;
  limit_resources(own, own.limits);
  switch (row.handler.user) {
    case wire::User::root:
      confinement_.capabilities = own.capabilities;
      break;
    case wire::User::origin:
      confinement_.uid = capture.origin->status.real_uid;
      confinement_.gid = capture.origin->status.real_gid;
      break;
    case wire::User::fixed:
      confinement_.uid = row.handler.uid;
      confinement_.gid = row.handler.gid;
      break;
  }
}

void Plan::take_container(const Own& own, const Row& row, const Capture& capture) {
  const Subject& init = capture.container->init;
  take_place(own, init);
  take_cgroups_v1(*capture.container);
  take_filters(*capture.container);
  confinement_.uid = init.status.effective_uid;
  confinement_.gid = init.status.effective_gid;
  switch (row.handler.user) {
    case wire::User::root:
      confinement_.groups = init.status.groups;
      // The permitted set and not only the bounding one: an init that gave its rights up, or that
      // can never become root again, is not exceeded by its handlers.
      confinement_.capabilities = most_of(own, init, init.status.permitted);
      break;
    case wire::User::origin:
      confinement_.uid = capture.origin->status.real_uid;
      confinement_.gid = capture.origin->status.real_gid;
      break;
    case wire::User::fixed:
      confinement_.has_inner_ids = true;
      confinement_.inner_uid = row.handler.uid;
      confinement_.inner_gid = row.handler.gid;
      break;
  }
}

// As the kernel, which writes a core file with the filesystem ids of the process.
void Plan::take_origin(const Own& own, const Capture& capture) {
  const Subject& origin = *capture.origin;
  take_place(own, origin);
  confinement_.cwd = origin.cwd.get();
  confinement_.uid = origin.status.filesystem_uid;
  confinement_.gid = origin.status.filesystem_gid;
  confinement_.groups = origin.status.groups;
  confinement_.capabilities = most_of(own, origin, origin.status.effective);
  if (!capture.container) return;
  take_cgroups_v1(*capture.container);
  if (could_reach_into_us(own, capture.container->init)) confinement_.share_memory = false;
}

void Plan::take_cgroups_v1(const Container& container) {
  if (!container.cgroups_v1) return;
  for (const auto& tasks : *container.cgroups_v1) cgroups_v1_.push_back(tasks.get());
  confinement_.cgroups_v1 = cgroups_v1_;
}

// The kernel takes what it copies for a filter as const.
void Plan::take_filters(const Container& container) {
  if (!container.filters) return;
  for (const auto& filter : *container.filters) {
    filters_.push_back({.len = static_cast<unsigned short>(filter.size()),
                        .filter = const_cast<sock_filter*>(filter.data())});
  }
  confinement_.filters = filters_;
}

void Plan::take_place(const Own& own, const Subject& subject) {
  for (std::size_t i = 0; i < confinement_.namespaces.size(); ++i) {
    const bool there = subject.namespaces.ids[i] == own.namespaces.ids[i];
    if (!there) confinement_.namespaces[i] = subject.namespaces.fds[i].get();
  }
  // To enter the user namespace that one is in is an error, and would be no loss of rights.
  if (!shares_our_users(own, subject)) {
    confinement_.user_namespace = subject.namespaces.fd(Namespace::user);
  }
  confinement_.root = subject.root.get();
  cgroup_ = subject.cgroup.get();
  confinement_.share_memory = !could_reach_into_us(own, subject);
  limit_resources(own, subject.limits);
  if (subject.oom_score_adj != own.oom_score_adj) {
    oom_score_adj_ = std::to_string(subject.oom_score_adj);
    confinement_.oom_score_adj = oom_score_adj_.c_str();
  }
  if (subject.label.file != nullptr && subject.label != own.label) {
    label_ = subject.label.request;
    confinement_.label_file = subject.label.file;
    confinement_.label = label_.c_str();
  }
}

void Plan::limit_resources(const Own& own, const kernel::ResourceLimits& limits) {
  for (std::size_t i = 0; i < limits.size(); ++i) {
    rlimit wanted = least(limits[i], own.limits[i]);
    // The kernel starts no pipe helper for a process with this limit: a handler's crash ends there.
    if (i == RLIMIT_CORE) wanted = least({.rlim_cur = 1, .rlim_max = 1}, own.limits[i]);
    // Our own number of descriptors was raised after `own` was noted.
    const bool same =
        wanted.rlim_cur == own.limits[i].rlim_cur && wanted.rlim_max == own.limits[i].rlim_max;
    if (same && i != RLIMIT_NOFILE) continue;
    limits_.push_back({.resource = static_cast<int>(i), .limit = wanted});
  }
  confinement_.limits = limits_;
}

}  // namespace upcall::launcher
