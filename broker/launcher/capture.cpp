// SPDX-License-Identifier: Apache-2.0
#include "launcher/capture.h"

#include <sched.h>
#include <sys/utsname.h>

#include <cstdlib>

#include "kernel/pidfd.h"
#include "kernel/pidfd_tag.h"
#include "kernel/read_file.h"
#include "kernel/stat.h"
#include "launcher/disclosure.h"

namespace upcall::launcher {
namespace {

using kernel::Namespace;

bool kept_out(const Error& error) {
  return error.code == std::errc::permission_denied ||
         error.code == std::errc::operation_not_permitted;
}

// The kernel shows paths from the root of the mount namespace; the process may see less of it.
std::string read_exe(const ThreadName& thread) {
  const std::string directory = proc_directory(thread);
  const auto exe = kernel::read_link(directory + "/exe");
  if (!exe) return {};
  const auto root = kernel::read_link(directory + "/root");
  if (root && *root != "/" && exe->starts_with(*root + "/")) return exe->substr(root->size());
  return *exe;
}

std::string node_name() {
  utsname names{};
  if (::uname(&names) != 0) return {};
  return static_cast<const char*>(names.nodename);
}

std::string read_host_name(const Own& own, const Subject& origin) {
  const bool elsewhere = origin.namespaces.id(Namespace::uts) != own.namespaces.id(Namespace::uts);
  if (!elsewhere) return node_name();
  if (::setns(origin.namespaces.fd(Namespace::uts), CLONE_NEWUTS) != 0) return {};
  auto name = node_name();
  // To go on in a container's namespace would be a fault in all that follows.
  if (::setns(own.namespaces.fd(Namespace::uts), CLONE_NEWUTS) != 0) std::abort();
  return name;
}

// Empty for a namespace that is not below the host's.
Result<std::vector<std::uint64_t>> ids_up_to(int fd, std::uint64_t host) {
  auto ids = kernel::lineage(fd, host);
  if (!ids) return ids.error();
  return (*ids).value_or(std::vector<std::uint64_t>{});
}

}  // namespace

Result<Capture> Capturing::capture(UniqueFd pidfd, const wire::CaptureRequest& request) {
  Capture capture{.pidfd = std::move(pidfd)};
  const auto thread = find_thread(capture, request);
  if (!thread) return thread.error();
  return complete(std::move(capture), *thread);
}

Result<Capture> Capturing::inspect(UniqueFd pidfd) {
  Capture capture{.pidfd = std::move(pidfd)};
  const auto facts = find_process(capture);
  if (!facts) return facts.error();
  capture.pid = capture.tid = facts->pid;
  return complete(std::move(capture),
                  {.pid = facts->pid, .tid = facts->pid, .cgroup_id = facts->cgroup_id});
}

Result<Capture> Capturing::complete(Capture capture, const ThreadName& thread) {
  step_ = CaptureStep::origin;
  if (const auto read = read_origin(capture, thread); !read) return read.error();
  if (capture.origin) {
    step_ = CaptureStep::container;
    auto container = find_container(own_, *capture.origin, thread);
    if (!container) return container.error();
    capture.container = *std::move(container);
    if (capture.container && capture.tag.empty()) capture.tag = capture.container->tag;
    step_ = CaptureStep::users;
    if (const auto judged = judge(capture); !judged) return judged.error();
  }
  step_ = CaptureStep::alive;
  // Only now is all that was read under /proc/PID known to be of this process.
  if (!kernel::still_exists(capture.pidfd.get())) return from_errno("hold the origin", ESRCH);
  return capture;
}

Result<kernel::PidfdFacts> Capturing::find_process(Capture& capture) {
  step_ = CaptureStep::pidfd;
  auto facts = kernel::query_pidfd(capture.pidfd.get());
  if (!facts) return facts.error();
  capture.dumpable = facts->dumpable;
  capture.tag = kernel::read_tag(capture.pidfd.get());
  return facts;
}

Result<ThreadName> Capturing::find_thread(Capture& capture, const wire::CaptureRequest& request) {
  const auto facts = find_process(capture);
  if (!facts) return facts.error();
  // The broker's word counts only where the kernel does not give its own.
  if (!capture.dumpable && request.dumpable >= 0) capture.dumpable = request.dumpable;
  const ThreadName thread{.pid = facts->pid, .tid = request.tid, .cgroup_id = facts->cgroup_id};
  const std::string directory = proc_directory(thread);
  step_ = CaptureStep::thread;
  const auto status = kernel::read_status(directory);
  if (!status) return status.error();
  step_ = CaptureStep::dumping;
  const auto dump = kernel::read_stat(directory);
  if (!dump) return dump.error();
  if (!status->core_dumping || !dump->dumping) {
    return from_errno("capture a thread that does not dump core", EINVAL);
  }
  const auto process = kernel::read_stat("/proc/" + std::to_string(facts->pid));
  if (process) capture.signal = process->signal;
  capture.pid = thread.pid;
  capture.tid = thread.tid;
  return thread;
}

Result<Ok> Capturing::read_origin(Capture& capture, const ThreadName& thread) {
  auto origin = read_subject(thread, own_.cgroup_root.get());
  if (!origin && kept_out(origin.error())) return Ok{};
  if (!origin) return origin.error();
  capture.origin = *std::move(origin);
  capture.exe = read_exe(thread);
  capture.host_name = read_host_name(own_, *capture.origin);
  return Ok{};
}

Result<Ok> Capturing::judge(Capture& capture) {
  const auto& namespaces = capture.origin->namespaces;
  Lineages lineages{.host_user = own_.namespaces.id(Namespace::user),
                    .host_pid = own_.namespaces.id(Namespace::pid)};
  auto users = ids_up_to(namespaces.fd(Namespace::user), lineages.host_user);
  if (!users) return users.error();
  lineages.users = *std::move(users);
  capture.user_depth =
      lineages.users.empty() ? 0 : static_cast<std::uint32_t>(lineages.users.size() - 1);
  if (!capture.container) return Ok{};
  auto pids = ids_up_to(namespaces.fd(Namespace::pid), lineages.host_pid);
  if (!pids) return pids.error();
  lineages.pids = *std::move(pids);
  const auto owner = kernel::owning_user_namespace(namespaces.fd(Namespace::mnt));
  if (!owner) return owner.error();
  if (*owner) {
    auto owners = ids_up_to((*owner)->get(), lineages.host_user);
    if (!owners) return owners.error();
    lineages.mount_owners = *std::move(owners);
  }
  capture.failed_rules =
      failed_rules(*capture.origin, capture.container->init, lineages, capture.dumpable);
  if (!capture.container->cgroups_v1) capture.failed_rules |= wire::not_confinable;
  capture.verdict = capture.failed_rules == 0 ? wire::Verdict::in_container : wire::Verdict::mixed;
  return Ok{};
}

wire::CaptureReply reply_for(const Capture& capture, const Own& own) {
  wire::CaptureReply reply{.verdict = capture.verdict,
                           .failed_rules = capture.failed_rules,
                           .user_depth = capture.user_depth,
                           .dumpable = capture.dumpable.value_or(-1),
                           .exe_length = static_cast<std::uint32_t>(capture.exe.size()),
                           .host_name_length = static_cast<std::uint32_t>(capture.host_name.size()),
                           .signal = capture.signal,
                           .tag_length = static_cast<std::uint32_t>(capture.tag.size()),
                           .pid = capture.pid,
                           .host_namespaces = own.namespaces.ids};
  if (capture.origin) reply.origin_namespaces = capture.origin->namespaces.ids;
  if (capture.container) {
    reply.template_pid = capture.container->init.pid;
    reply.pid_depth = 1;  // the container is the outermost PID namespace below the host's
    reply.template_namespaces = capture.container->init.namespaces.ids;
  }
  return reply;
}

}  // namespace upcall::launcher
