// SPDX-License-Identifier: Apache-2.0
#include "launcher/subject.h"

#include <fcntl.h>

#include "base/text.h"
#include "kernel/cgroup.h"
#include "kernel/pidfd.h"
#include "kernel/read_file.h"
#include "launcher/own.h"

namespace upcall::launcher {
namespace {

Result<UniqueFd> open_directory(const std::string& path) {
  UniqueFd fd{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) return from_errno("open '" + path + "'", errno);
  return fd;
}

// Nothing on kernels without.
std::optional<int> number_of(const std::optional<UniqueFd>& pidfd) {
  return pidfd ? std::optional{pidfd->get()} : std::nullopt;
}

Result<Ok> read_places(Subject& subject, const std::string& directory) {
  auto root = open_directory(directory + "/root");
  if (!root) return root.error();
  subject.root = *std::move(root);
  auto cwd = open_directory(directory + "/cwd");
  if (!cwd) return cwd.error();
  subject.cwd = *std::move(cwd);
  return Ok{};
}

// Without a cgroup the subject stays a subject, but it is no container that a handler could join.
void read_cgroup(Subject& subject, const ThreadName& thread, int cgroup_root) {
  if (cgroup_root < 0) return;
  auto cgroup = thread.cgroup_id ? kernel::open_cgroup(cgroup_root, *thread.cgroup_id)
                                 : kernel::open_cgroup_of(cgroup_root, proc_directory(thread));
  if (!cgroup) return;
  subject.cgroup = *std::move(cgroup);
  // One that is nested too deep to have a path is in no container by its cgroup.
  auto path = kernel::cgroup_path(subject.cgroup.get());
  if (path) subject.cgroup_path = *std::move(path);
}

// Rights are worth what they are in the user namespace that they were read in, and the thread may
// have moved to a new one in between, where it has all. It cannot move back.
Result<Ok> check_still_there(const Subject& subject, std::optional<int> pidfd,
                             const std::string& directory) {
  const auto now = kernel::user_namespace_id(pidfd, directory);
  if (!now) return now.error();
  if (*now != subject.namespaces.id(kernel::Namespace::user))
    return from_errno("hold the process still", EAGAIN);
  return Ok{};
}

Result<Ok> read_rights(Subject& subject, const std::string& directory, bool labelled) {
  auto status = kernel::read_status(directory);
  if (!status) return status.error();
  if (status->tgid != subject.pid) return from_errno("find the thread in its process", ESRCH);
  subject.status = *std::move(status);
  const auto limits = kernel::read_limits(directory);
  if (!limits) return limits.error();
  subject.limits = *limits;
  const auto score = read_oom_score_adj(directory);
  if (!score) return score.error();
  subject.oom_score_adj = *score;
  if (!labelled) return Ok{};
  auto label = read_label(directory);
  if (!label) return label.error();
  subject.label = *std::move(label);
  return Ok{};
}

// Empty where no security module has anything to show there (EINVAL), or the kernel has none at all
// (ENOENT).
Result<std::string> read_attribute(const std::string& path) {
  const auto text = kernel::read_file(path);
  if (!text && (text.error().code == std::errc::invalid_argument ||
                text.error().code == std::errc::no_such_file_or_directory)) {
    return std::string{};
  }
  if (!text) return text.error();
  return text->substr(0, text->find_first_of(std::string_view{"\n\0", 2}));
}

// "docker-default (enforce)"; what confines nothing has no mode.
std::string_view without_mode(std::string_view profile) {
  if (profile.ends_with(')')) profile = profile.substr(0, profile.rfind(" ("));
  return profile;
}

}  // namespace

std::string proc_directory(const ThreadName& thread) {
  return "/proc/" + std::to_string(thread.pid) + "/task/" + std::to_string(thread.tid);
}

Result<Subject> read_subject(const ThreadName& thread, const Own& own) {
  const std::string directory = proc_directory(thread);
  Subject subject{.pid = thread.pid};
  const auto pidfd = kernel::open_thread_pidfd(thread.tid);
  if (!pidfd) return pidfd.error();
  auto namespaces = kernel::open_namespaces(number_of(*pidfd), directory);
  if (!namespaces) return namespaces.error();
  subject.namespaces = *std::move(namespaces);
  if (const auto places = read_places(subject, directory); !places) return places.error();
  if (const auto rights = read_rights(subject, directory, own.label.file != nullptr); !rights)
    return rights.error();
  if (const auto there = check_still_there(subject, number_of(*pidfd), directory); !there)
    return there.error();
  read_cgroup(subject, thread, own.cgroup_root.get());
  return subject;
}

Result<int> read_oom_score_adj(const std::string& directory) {
  const auto text = kernel::read_file(directory + "/oom_score_adj");
  if (!text) return text.error();
  std::string_view rest{*text};
  const auto score = parse_integer<int>(take_until(rest, '\n'));
  if (!score) return from_errno("understand an oom_score_adj", EBADMSG);
  return *score;
}

// AppArmor has had files of its own since Linux 5.8, beside those that show whichever module comes
// first. SELinux takes what it shows; Smack has no label of what is executed, so that the handlers
// of a container with one are not run.
Result<Label> read_label(const std::string& directory) {
  const auto profile = read_attribute(directory + "/attr/apparmor/current");
  if (!profile) return profile.error();
  if (!profile->empty())
    return Label{.file = "/proc/thread-self/attr/apparmor/exec",
                 .request = "exec " + std::string{without_mode(*profile)}};
  auto context = read_attribute(directory + "/attr/current");
  if (!context) return context.error();
  if (context->empty()) return Label{};
  return Label{.file = "/proc/thread-self/attr/exec", .request = *std::move(context)};
}

}  // namespace upcall::launcher
