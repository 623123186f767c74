// SPDX-License-Identifier: Apache-2.0
#include "launcher/runs.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace upcall::launcher {
namespace {

std::uint64_t microseconds(Clock::duration time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

std::uint64_t microseconds(const timeval& time) {
  constexpr std::int64_t kSecond = 1'000'000;
  return static_cast<std::uint64_t>((time.tv_sec * kSecond) + time.tv_usec);
}

// A page: many more than may run at once, for those that are lost.
constexpr std::size_t kTable = 4096;

std::span<volatile pid_t> shared_pids() {
  void* memory = ::mmap(nullptr, kTable, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) or_throw<Ok>(from_errno("share memory with stage 1"));
  return {static_cast<volatile pid_t*>(memory), kTable / sizeof(pid_t)};
}

// The table of numbers is shared with stage 1, so what stands there is looked at before it is used.
bool is_child(pid_t pid) {
  siginfo_t info{};
  return pid > 0 &&
         ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

// As wait(2) would give it.
int wait_status(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return W_EXITCODE(info.si_status, 0);
  return W_EXITCODE(0, info.si_status);
}

}  // namespace

Runs::Runs(int epoll, Outbox& outbox) : epoll_{epoll}, outbox_{outbox}, pids_{shared_pids()} {}

void Runs::start(const Request& request, Confinement confinement, int cgroup) {
  auto* const free = std::ranges::find_if(runs_, [](const auto& run) { return !run; });
  const auto word = free_word();
  if (free == runs_.end() || !word) return give_up(request, ConfineStep::request, EAGAIN);
  const auto index = static_cast<std::size_t>(free - runs_.begin());
  pids_[*word] = 0;
  confinement.handler_pid = const_cast<pid_t*>(&pids_[*word]);
  confinement.pid_table = {const_cast<pid_t*>(pids_.data()), pids_.size()};
  auto stage1 = spawn(confinement, cgroup);
  if (!stage1) return give_up(request, ConfineStep::join_cgroup, stage1.error().code.value());
  epoll_event watch{.events = EPOLLIN, .data = {.u64 = index}};
  const bool watched = ::epoll_ctl(epoll_, EPOLL_CTL_ADD, stage1->status.get(), &watch) == 0;
  *free = Run{.request = request,
              .word = *word,
              .status = std::move(stage1->status),
              .stage1 = stage1->pid,
              .deadline = Clock::now() + kStartTime};
  if (!watched) kill(index, wire::RunEnd::killed);
}

void Runs::refuse(const Request& request, std::uint32_t rules) {
  send_end(request, {.how = wire::RunEnd::refused, .step = rules});
}

void Runs::give_up(const Request& request, ConfineStep step, int error) {
  send_end(request, {.how = wire::RunEnd::not_started,
                     .status = error,
                     .step = static_cast<std::uint32_t>(step)});
}

pid_t Runs::handler_pid(std::size_t index) const { return pids_[runs_[index]->word]; }

std::optional<std::size_t> Runs::free_word() const {
  for (std::size_t word = 0; word < pids_.size(); ++word) {
    const auto has = [word](const auto& one) { return one && one->word == word; };
    const auto lost = [word](const Lost& one) { return one.word == word; };
    if (std::ranges::none_of(runs_, has) && std::ranges::none_of(lost_, lost)) {
      return word;
    }
  }
  return {};
}

void Runs::on_status(std::size_t index) {
  if (index >= runs_.size() || !runs_[index]) return;
  hear(index);
  finish_if_over(index);
}

void Runs::hear(std::size_t index) {
  Run& run = *runs_[index];
  if (!run.status) return;
  ConfineFailure failure;
  const ssize_t size = ::recv(run.status.get(), &failure, sizeof failure, MSG_DONTWAIT);
  if (size < 0) return;  // nothing yet
  if (size == sizeof failure) run.failure = failure;
  run.status.reset();
  if (!run.failure && handler_pid(index) > 0) tell_started(index);
}

// The status socket has closed without a complaint: the handler has been executed.
void Runs::tell_started(std::size_t index) {
  Run& run = *runs_[index];
  run.executed = Clock::now();
  if (!run.killed) run.deadline = *run.executed + run.request.timeout;
  wire::RunStarted message{.pid = handler_pid(index)};
  message.header.id = run.request.id;
  outbox_.put(std::as_bytes(std::span{&message, 1}));
}

void Runs::on_children() {
  for (;;) {
    siginfo_t info{};
    rusage usage{};
    // Looked at, and not yet reaped: until then no other process can get its number.
    constexpr int kHow = WEXITED | WNOHANG | WNOWAIT;
    if (::syscall(SYS_waitid, P_ALL, 0, &info, kHow, &usage) != 0 || info.si_pid == 0) return;
    const pid_t pid = info.si_pid;
    std::size_t index = 0;
    while (index < runs_.size() && !(runs_[index] && is_of(index, pid))) ++index;
    if (index < runs_.size()) {
      note_end(index, info, usage);
      // First, since somebody waits for the end, and reaping takes the kernel a tenth of a
      // millisecond.
      finish_if_over(index);
    }
    ::waitpid(pid, nullptr, 0);
    forget_lost(pid);
  }
}

bool Runs::is_of(std::size_t index, pid_t pid) const {
  const Run& run = *runs_[index];
  return (run.stage1 == pid && !run.stage1_ended) ||
         (handler_pid(index) == pid && !run.handler_ended);
}

void Runs::note_end(std::size_t index, const siginfo_t& info, const rusage& usage) {
  Run& run = *runs_[index];
  if (info.si_pid == run.stage1 && !run.stage1_ended) {
    run.stage1_status = wait_status(info);
    run.stage1_ended = true;
    return;
  }
  // What it left behind in its process group goes with it, while its own number still holds the
  // group (exec_handler).
  ::kill(-info.si_pid, SIGKILL);
  run.handler_status = wait_status(info);
  run.usage = usage;
  run.handler_ended = true;
}

void Runs::finish_if_over(std::size_t index) {
  const Run& run = *runs_[index];
  if (!run.stage1_ended || (handler_pid(index) > 0 && !run.handler_ended)) return;
  hear(index);  // its last word, if epoll has not brought it yet
  send_end(run.request, end_of(index));
  runs_[index].reset();
}

wire::RunEnded Runs::end_of(std::size_t index) const {
  const Run& run = *runs_[index];
  wire::RunEnded ended{.how = wire::RunEnd::not_started};
  if (run.failure) {
    ended.status = run.failure->error;
    ended.step = static_cast<std::uint32_t>(run.failure->step);
  } else if (!run.executed && WIFSIGNALED(run.stage1_status) &&
             WTERMSIG(run.stage1_status) == SIGSYS) {
    ended.how = wire::RunEnd::signalled;  // by the filters that it has just installed
    ended.status = SIGSYS;
  } else if (!run.executed) {
    // Stage 1 was killed: by us, since its time was up, or by its new cgroup.
    ended.status = run.killed == wire::RunEnd::timed_out ? ETIMEDOUT : ECHILD;
    ended.step = static_cast<std::uint32_t>(ConfineStep::start_in_time);
    if (run.killed == wire::RunEnd::killed) ended.how = wire::RunEnd::killed;
  } else if (WIFEXITED(run.handler_status)) {
    ended.how = wire::RunEnd::exited;
    ended.status = WEXITSTATUS(run.handler_status);
  } else {
    ended.how = run.killed.value_or(wire::RunEnd::signalled);
    ended.status = WTERMSIG(run.handler_status);
  }
  ended.peak_memory = static_cast<std::uint32_t>(run.usage.ru_maxrss);
  ended.user_time = microseconds(run.usage.ru_utime);
  ended.system_time = microseconds(run.usage.ru_stime);
  if (run.executed) ended.start_time = microseconds(*run.executed - run.request.arrived);
  return ended;
}

void Runs::send_end(const Request& request, wire::RunEnded ended) {
  ended.header.id = request.id;
  ended.total_time = microseconds(Clock::now() - request.arrived);
  outbox_.put(std::as_bytes(std::span{&ended, 1}));
}

void Runs::on_time(Clock::time_point now) {
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (!runs_[i] || runs_[i]->deadline > now) continue;
    if (runs_[i]->killed) {
      abandon(i);
    } else {
      kill(i, wire::RunEnd::timed_out);
    }
  }
}

void Runs::abandon(std::size_t index) {
  kill(index, *runs_[index]->killed);  // should it have been born meanwhile
  const Run& run = *runs_[index];
  send_end(run.request, {.how = *run.killed, .status = SIGKILL});
  if (run.handler_ended) pids_[run.word] = 0;
  lost_.push_back({.word = run.word, .stage1 = run.stage1, .stage1_reaped = run.stage1_ended});
  runs_[index].reset();
}

void Runs::forget_lost(pid_t reaped) {
  for (auto& lost : lost_) {
    if (lost.stage1 == reaped) lost.stage1_reaped = true;
    if (pids_[lost.word] == reaped) pids_[lost.word] = 0;
  }
  std::erase_if(lost_,
                [&](const Lost& lost) { return lost.stage1_reaped && pids_[lost.word] == 0; });
}

std::optional<Clock::time_point> Runs::next_deadline() const {
  std::optional<Clock::time_point> next;
  for (const auto& run : runs_) {
    if (run && (!next || run->deadline < *next)) next = run->deadline;
  }
  return next;
}

void Runs::kill(std::uint64_t id) {
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (runs_[i] && runs_[i]->request.id == id) kill(i, wire::RunEnd::killed);
  }
}

void Runs::kill_all() {
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (runs_[i]) kill(i, wire::RunEnd::killed);
  }
}

// The numbers are safe to use: they are of children of ours that we have not reaped.
void Runs::kill(std::size_t index, wire::RunEnd why) {
  Run& run = *runs_[index];
  if (!run.killed) run.killed = why;
  run.deadline = Clock::now() + kStartTime;  // and then nobody waits for it any more
  if (!run.stage1_ended) ::kill(run.stage1, SIGKILL);
  const pid_t handler = handler_pid(index);
  if (run.handler_ended || !is_child(handler)) return;
  ::kill(-handler, SIGKILL);  // nothing yet, before it has made its session
  ::kill(handler, SIGKILL);
}

}  // namespace upcall::launcher
