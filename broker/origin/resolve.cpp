// SPDX-License-Identifier: Apache-2.0
#include "origin/resolve.h"

#include "kernel/pidfd.h"
#include "kernel/proc.h"

namespace upcall::origin {
namespace {

event::Verdict to_verdict(wire::Verdict verdict) {
  switch (verdict) {
    case wire::Verdict::in_container:
      return event::Verdict::in_container;
    case wire::Verdict::mixed:
      return event::Verdict::mixed;
    case wire::Verdict::host:
      return event::Verdict::host;
  }
  return event::Verdict::host;
}

std::string without_newline(std::string text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// The id at the container's level, counted from ours.
std::optional<pid_t> inner_pid(const std::vector<pid_t>& pids, const wire::CaptureReply& capture) {
  if (capture.template_pid == 0 || capture.pid_depth >= pids.size()) return {};
  return pids[capture.pid_depth];
}

// Ids as the container's init sees them, by the maps of its user namespace.
void translate_ids(const Subject& subject, const wire::CaptureReply& capture,
                   event::Origin& origin) {
  const auto directory = std::to_string(capture.template_pid) + "/";
  if (const auto map = kernel::read_proc(subject.proc, directory + "uid_map")) {
    origin.inner_uid = kernel::to_inner(kernel::parse_id_map(*map), origin.uid);
  }
  if (const auto map = kernel::read_proc(subject.proc, directory + "gid_map")) {
    origin.inner_gid = kernel::to_inner(kernel::parse_id_map(*map), origin.gid);
  }
}

Result<Ok> take_status(const Subject& subject, const Sight& seen, const wire::CaptureReply& capture,
                       event::Origin& origin) {
  const auto ids = kernel::parse_real_ids(seen.status);
  if (!ids) return from_errno("read the ids of process " + std::to_string(subject.pid), EBADMSG);
  origin.uid = ids->uid;
  origin.gid = ids->gid;
  origin.inner_tid = inner_pid(kernel::parse_namespace_pids(seen.status), capture);
  origin.inner_pid = inner_pid(kernel::parse_namespace_pids(seen.leader_status), capture);
  // An init of a container that shares its processes has another number than 1.
  origin.is_init = origin.inner_pid == 1 || capture.template_pid == subject.pid;
  return Ok{};
}

}  // namespace

Result<Sight> look_at(const Subject& subject) {
  const auto process = std::to_string(subject.pid);
  const auto thread = process + "/task/" + std::to_string(subject.tid) + "/";
  auto comm = kernel::read_proc(subject.proc, thread + "comm");
  if (!comm) return comm.error();
  auto status = kernel::read_proc(subject.proc, thread + "status");
  if (!status) return status.error();
  Sight seen{.comm = without_newline(*std::move(comm)), .status = *std::move(status)};
  if (subject.tid == subject.pid) {
    seen.leader_status = seen.status;
  } else if (auto leader = kernel::read_proc(subject.proc, process + "/status")) {
    seen.leader_status = *std::move(leader);
  }
  return seen;
}

Result<event::Origin> resolve(const Subject& subject, const Sight& seen,
                              const wire::CaptureReply& capture, wire::CaptureTexts texts) {
  event::Origin origin{.pid = subject.pid,
                       .tid = subject.tid,
                       .comm = seen.comm,
                       .exe = std::move(texts.exe),
                       .host_name = std::move(texts.host_name),
                       .tag = std::move(texts.tag),
                       .cgroup = subject.cgroup,
                       .verdict = to_verdict(capture.verdict),
                       .failed_rules = capture.failed_rules,
                       .namespaces = capture.origin_namespaces,
                       .container_namespaces = capture.template_namespaces,
                       .host_namespaces = capture.host_namespaces,
                       .user_namespace_depth = capture.user_depth};
  if (auto taken = take_status(subject, seen, capture, origin); !taken) return taken.error();
  if (capture.template_pid != 0) translate_ids(subject, capture, origin);
  if (!kernel::still_exists(subject.pidfd)) {
    return from_errno("keep hold of process " + std::to_string(subject.pid), ESRCH);
  }
  return origin;
}

Result<event::Origin> resolve(const Subject& subject, const wire::CaptureReply& capture,
                              wire::CaptureTexts texts) {
  const auto seen = look_at(subject);
  if (!seen) return seen.error();
  return resolve(subject, *seen, capture, std::move(texts));
}

}  // namespace upcall::origin
