// SPDX-License-Identifier: Apache-2.0
// Which task made the kernel start a user mode helper. The kernel does not tell the helper: it is
// the child of a kernel worker. But its own trace tells each step between the two (kernel/umh.c):
//
//   requester: module_request NAME              (only for modules)
//   requester: workqueue_queue_work WORK
//   worker:    workqueue_execute_start WORK
//   worker:    sched_process_fork HELPER
//
// All steps of a helper that runs have been written before it runs, so whoever drains the buffers
// when a helper speaks up finds its chain. A process that the kernel did not start has none.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernel/trace_page.h"

namespace upcall::kernel {

struct ModuleCall {
  std::string name;  // as asked for
  bool waits{};      // for the helper's end
};

struct HelperCall {
  pid_t requester{};        // a thread, in the initial PID namespace
  std::uint64_t asked{};    // when, in nanoseconds since boot
  std::uint64_t started{};  // when the helper was forked
  std::optional<ModuleCall> module;
};

class HelperChain {
 public:
  explicit HelperChain(const TraceLayout& layout) : layout_{layout} {}

  // A page of one CPU's buffer.
  void take(std::span<const std::byte> page);
  // Follows the events up to `now`, which no CPU can be missing any more: to be called once all
  // have been drained. Later ones, of which some may not have been read yet, wait.
  void settle(std::uint64_t now);

  // nullptr for what no kernel worker forked, or so long ago that it is forgotten.
  [[nodiscard]] const HelperCall* find(pid_t helper) const;
  // Pages before which events had been overwritten, or that were not understood.
  [[nodiscard]] std::uint64_t gaps() const { return gaps_; }

 private:
  struct Step {
    std::uint64_t time{};
    std::uint32_t event{};
    pid_t task{};             // who did it
    std::uint64_t subject{};  // the work, or the child
    std::optional<ModuleCall> module;
  };
  void note(const TraceEvent& event);
  void follow(Step& step);
  void remember(pid_t helper, HelperCall call);

  TraceLayout layout_;
  std::vector<Step> steps_;
  std::map<pid_t, ModuleCall> asked_;           // by requester
  std::map<std::uint64_t, HelperCall> queued_;  // by work
  std::map<pid_t, HelperCall> executed_;        // by worker
  std::map<pid_t, HelperCall> helpers_;
  std::set<std::pair<std::uint64_t, pid_t>> ages_;  // helpers by when they were started
  std::uint64_t gaps_{};
};

}  // namespace upcall::kernel
