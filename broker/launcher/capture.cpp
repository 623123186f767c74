// SPDX-License-Identifier: Apache-2.0
#include "launcher/capture.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/text.h"
#include "kernel/keys.h"
#include "kernel/pidfd.h"
#include "kernel/pidfd_tag.h"
#include "kernel/process_status.h"
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

Result<std::uint64_t> start_time_of(int pidfd) {
  const auto facts = kernel::query_pidfd(pidfd);
  if (!facts) return facts.error();
  const auto stat = kernel::read_stat("/proc/" + std::to_string(facts->pid));
  if (!stat) return stat.error();
  return stat->start_time;
}

struct Pidfds {
  UniqueFd process;
  kernel::PidfdFacts facts;  // of the thread, where this kernel has pidfds of threads
};

Result<Pidfds> open_pidfds(pid_t tid, const std::string& directory) {
  const auto thread = kernel::open_thread_pidfd(tid);
  if (!thread) return thread.error();
  const auto text = kernel::read_file(directory + "/status");
  if (!text) return text.error();
  const auto pid = kernel::parse_thread_group(*text);
  if (!pid) return from_errno("find the process of a thread", EBADMSG);
  auto process = kernel::open_pidfd(*pid);
  if (!process) return process.error();
  auto facts = kernel::query_pidfd(*thread ? (*thread)->get() : process->get());
  if (!facts) return facts.error();
  if (facts->pid != *pid) return from_errno("hold who requested a key", ESRCH);
  return Pidfds{.process = *std::move(process), .facts = *facts};
}

// Of programs for x86-64, i386 and x32 (arch/x86/entry/syscalls).
constexpr std::array<long, 3> kRequestKey{SYS_request_key, 287, 0x40000000L | SYS_request_key};

// Nobody but the kernel can make, or link to, a keyring whose name starts with a dot; and whoever
// asks for himself is in request_key(2).
bool is_kernels(const KeyRequest& key, const std::string& directory) {
  if (key.destination.starts_with('.')) return true;
  const auto text = kernel::read_file(directory + "/syscall");
  if (!text) return true;
  std::string_view rest{*text};
  const auto number = parse_integer<long>(take_word(rest));
  // Nothing is "running": on its way into its sleep.
  return number && std::ranges::find(kRequestKey, *number) == kRequestKey.end();
}

// A thread that is on its way into its sleep is not there yet.
bool waits_for_helper(const std::string& directory) {
  constexpr int kLooks = 16;
  for (int i = 0; i < kLooks; ++i) {
    const auto where = kernel::read_file(directory + "/wchan");
    if (!where) return false;
    if (*where == "call_usermodehelper_exec") return true;
    (void)::sched_yield();
  }
  return false;
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
  if (const auto looked = look_at(capture, *thread); !looked) return looked.error();
  step_ = CaptureStep::dumping;
  if (capture.origin && !capture.origin->status.core_dumping)
    return from_errno("capture a process that does not dump core", EINVAL);
  return capture;
}

Result<Capture> Capturing::inspect(UniqueFd pidfd) {
  Capture capture{.pidfd = std::move(pidfd)};
  const auto thread = find_leader(capture);
  if (!thread) return thread.error();
  if (const auto looked = look_at(capture, *thread); !looked) return looked.error();
  return capture;
}

// Other upcalls are caused by what runs in a container, and so after it was made. These come while
// a runtime is still making one, with all its own privileges in its hands until it executes the
// container's program: that is looked at before the privileges are.
Result<Capture> Capturing::capture_uninvolved(UniqueFd pidfd) {
  Capture capture{.pidfd = std::move(pidfd), .uninvolved = true};
  const auto thread = find_leader(capture);
  if (!thread) return thread.error();
  step_ = CaptureStep::container;
  const auto unfinished = is_unfinished(*thread);
  if (!unfinished) return unfinished.error();
  if (*unfinished) return from_errno("tell a container that is being made", EAGAIN);
  if (const auto looked = look_at(capture, *thread); !looked) return looked.error();
  const auto mounts = own_.namespaces.id(Namespace::mnt);
  const bool is_init = capture.container && capture.container->init.pid == capture.pid &&
                       capture.container->init.namespaces.id(Namespace::mnt) != mounts;
  if (!is_init) return from_errno("tell what is no container", EINVAL);
  return capture;
}

void Capturing::ask_whether_dumpable(Capture& capture, pid_t pid, pid_t tid) const {
  if (capture.dumpable || !own_.tasks) return;
  auto dumpable = own_.tasks->read_dumpable(tid);
  // Some kernels of 2024 and before find only the leader of a process, whose memory is the same.
  if (!dumpable) dumpable = own_.tasks->read_dumpable(pid);
  if (dumpable) capture.dumpable = *dumpable;
}

Result<ThreadName> Capturing::find_leader(Capture& capture) {
  const auto facts = find_process(capture);
  if (!facts) return facts.error();
  capture.pid = capture.tid = facts->pid;
  ask_whether_dumpable(capture, facts->pid, facts->pid);
  ThreadName thread{.pid = facts->pid, .tid = facts->pid, .cgroup_id = facts->cgroup_id};
  const auto stat = kernel::read_stat(proc_directory(thread));
  if (!stat) return stat.error();
  capture.kernel_thread = stat->kernel_thread;
  return thread;
}

Result<Capture> Capturing::capture_requester(Landing landing, int shim) {
  step_ = CaptureStep::authority;
  auto key = read_key_request(std::move(landing));
  if (!key) return key.error();
  Capture capture{.key = *std::move(key)};
  const auto thread = find_requester(capture, shim);
  if (!thread) return thread.error();
  if (const auto looked = look_at(capture, *thread); !looked) return looked.error();
  return capture;
}

Result<Capture> Capturing::capture_helped(UniqueFd pidfd, int helper, pid_t tid) {
  Capture capture{.pidfd = std::move(pidfd)};
  const auto facts = find_process(capture);
  if (!facts) return facts.error();
  step_ = CaptureStep::requester;
  const ThreadName thread{.pid = facts->pid, .tid = tid, .cgroup_id = facts->cgroup_id};
  const auto directory = proc_directory(thread);
  const auto stat = kernel::read_stat(directory);
  if (!stat) return stat.error();
  const auto helper_start = start_time_of(helper);
  if (!helper_start) return helper_start.error();
  if (stat->start_time > *helper_start) return from_errno("find who had a helper started", ESRCH);
  capture.pid = thread.pid;
  capture.tid = thread.tid;
  ask_whether_dumpable(capture, thread.pid, tid);
  capture.kernel_thread = stat->kernel_thread;
  capture.waits_for_helper = waits_for_helper(directory);
  if (const auto looked = look_at(capture, thread); !looked) return looked.error();
  // Whom we may not look at would count as the host's, whose requests are granted.
  if (!capture.origin && !capture.kernel_thread)
    return from_errno("look at who had a helper started", EACCES);
  return capture;
}

Result<Ok> Capturing::look_at(Capture& capture, const ThreadName& thread) {
  step_ = CaptureStep::origin;
  if (const auto read = read_origin(capture, thread); !read) return read;
  if (capture.origin) {
    step_ = CaptureStep::container;
    auto container = find_container(own_, inits_, *capture.origin, thread);
    if (!container) return container.error();
    capture.container = *std::move(container);
    if (capture.container && capture.tag.empty()) capture.tag = capture.container->tag;
    step_ = CaptureStep::users;
    if (const auto judged = judge(capture); !judged) return judged;
  }
  step_ = CaptureStep::alive;
  // Only now is all that was read under /proc/PID known to be of this process.
  if (!kernel::still_exists(capture.pidfd.get())) return from_errno("hold the origin", ESRCH);
  return Ok{};
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
  ask_whether_dumpable(capture, facts->pid, request.tid);
  // The broker's word counts only where the kernel does not give its own.
  if (!capture.dumpable && request.dumpable >= 0) capture.dumpable = request.dumpable;
  const ThreadName thread{.pid = facts->pid, .tid = request.tid, .cgroup_id = facts->cgroup_id};
  const std::string directory = proc_directory(thread);
  step_ = CaptureStep::thread;
  const auto dump = kernel::read_stat(directory);
  if (!dump) return dump.error();
  step_ = CaptureStep::dumping;
  if (!dump->dumping) return from_errno("capture a thread that does not dump core", EINVAL);
  const auto process = kernel::read_stat("/proc/" + std::to_string(facts->pid));
  if (process) capture.signal = process->signal;
  capture.pid = thread.pid;
  capture.tid = thread.tid;
  return thread;
}

// The requester sleeps, and cannot even be killed, until the shim ends: so its number is its own
// while the request has no answer. A request that another one's handler makes has that one's
// requester, who may be gone, and his number another process's, which then started later than the
// shim.
Result<ThreadName> Capturing::find_requester(Capture& capture, int shim) {
  step_ = CaptureStep::requester;
  const auto tid = capture.key->landing.requester_of(capture.key->authority);
  if (!tid) return tid.error();
  const std::string directory = "/proc/" + std::to_string(*tid);
  const auto stat = kernel::read_stat(directory);
  if (!stat) return stat.error();
  const auto shim_start = start_time_of(shim);
  if (!shim_start) return shim_start.error();
  auto pidfds = open_pidfds(*tid, directory);
  if (!pidfds) return pidfds.error();
  if (const auto waits = check_unanswered(*capture.key); !waits) return waits.error();
  if (stat->start_time > *shim_start) return from_errno("find who requested a key", ESRCH);
  capture.pidfd = std::move(pidfds->process);
  capture.pid = pidfds->facts.pid;
  capture.tid = *tid;
  capture.dumpable = pidfds->facts.dumpable;
  ask_whether_dumpable(capture, pidfds->facts.pid, *tid);
  capture.tag = kernel::read_tag(capture.pidfd.get());
  capture.kernel_thread = stat->kernel_thread;
  capture.by_kernel = stat->kernel_thread || is_kernels(*capture.key, directory);
  return ThreadName{.pid = capture.pid, .tid = *tid, .cgroup_id = pidfds->facts.cgroup_id};
}

Result<Ok> Capturing::read_origin(Capture& capture, const ThreadName& thread) {
  // The kernel's own threads are the host's, and have nothing of what confines a process.
  if (capture.kernel_thread) return Ok{};
  auto origin = read_subject(thread, own_);
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
  // Of who is only told of something, nothing goes anywhere.
  const auto dumpable = capture.uninvolved ? std::optional{1} : capture.dumpable;
  capture.failed_rules = failed_rules(*capture.origin, capture.container->init, lineages, dumpable);
  if (!capture.container->cgroups_v1 || capture.container->unfinished)
    capture.failed_rules |= wire::not_confinable;
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
    // The container is in the outermost PID namespace below the host's, or in the host's own.
    const auto host = own.namespaces.id(Namespace::pid);
    reply.pid_depth = capture.container->init.namespaces.id(Namespace::pid) == host ? 0 : 1;
    reply.template_namespaces = capture.container->init.namespaces.ids;
  }
  return reply;
}

wire::KeyCaptured key_reply_for(const Capture& capture, const Own& own) {
  const auto& key = *capture.key;
  wire::KeyCaptured reply{
      .capture = reply_for(capture, own),
      .key = key.key,
      .tid = capture.tid,
      .by_kernel = capture.by_kernel ? 1U : 0U,
      .type_length = static_cast<std::uint32_t>(key.described.type.size()),
      .description_length = static_cast<std::uint32_t>(key.described.description.size()),
      .destination_length = static_cast<std::uint32_t>(key.destination.size()),
      .callout_length = static_cast<std::uint32_t>(key.callout.size())};
  reply.capture.header.type = wire::LauncherType::key_captured;
  return reply;
}

}  // namespace upcall::launcher
