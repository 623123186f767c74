// SPDX-License-Identifier: Apache-2.0
#include "dispatch/asker.h"

#include <unistd.h>

#include "kernel/proc.h"
#include "kernel/process_status.h"
#include "kernel/stat.h"

namespace upcall::dispatch {
namespace {

// A module may ask for others while it is being loaded, and those again.
constexpr int kNested = 8;

// How much later than it started a process is traced as forked, on a machine that is on its knees.
constexpr std::uint64_t kForkTicks = 50;

std::uint64_t to_ticks(std::uint64_t nanoseconds) {
  constexpr std::uint64_t kNanoseconds = 1'000'000'000;
  static const auto kPerSecond = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return nanoseconds / (kNanoseconds / kPerSecond);
}

// Whether it is the very process that was forked then, and not a later one of its number.
bool was_started_by(const kernel::HelperCall& call, const kernel::Stat& helper) {
  const auto forked = to_ticks(call.started);
  return helper.start_time <= forked && forked - helper.start_time <= kForkTicks;
}

}  // namespace

Result<AskerTask> find_asker(sources::HelperTrace& trace, int proc, pid_t helper) {
  const auto* call = trace.find(helper);
  auto stat = kernel::read_stat(proc, std::to_string(helper));
  if (!stat) return stat.error();
  if (call == nullptr || !was_started_by(*call, *stat))
    return from_errno("find who had the kernel start process " + std::to_string(helper), ENOENT);
  AskerTask asker{.waits = !call->module || call->module->waits};
  for (int depth = 0;; ++depth) {
    // He who asked last is a helper, and so root of the host: the one behind it may be anybody.
    if (depth == kNested) return from_errno("find who asked behind so many helpers", ELOOP);
    asker.tid = call->requester;
    stat = kernel::read_stat(proc, std::to_string(asker.tid));
    if (!stat || stat->start_time > to_ticks(call->asked))
      return from_errno("find task " + std::to_string(asker.tid) + ", which asked", ESRCH);
    const auto* outer = trace.recall(asker.tid);
    if (outer == nullptr || !was_started_by(*outer, *stat)) break;
    asker.nested = true;
    call = outer;
  }
  asker.kernel_thread = stat->kernel_thread;
  const auto status = kernel::read_proc(proc, std::to_string(asker.tid) + "/status");
  const auto pid = status ? kernel::parse_thread_group(*status) : std::nullopt;
  if (!pid) return from_errno("find the process of task " + std::to_string(asker.tid), ESRCH);
  asker.pid = *pid;
  return asker;
}

bool is_ours(int proc, pid_t pid, pid_t supervisor) {
  if (pid == supervisor) return true;
  const auto status = kernel::read_proc(proc, std::to_string(pid) + "/status");
  return status && kernel::parse_parent(*status) == supervisor;
}

}  // namespace upcall::dispatch
