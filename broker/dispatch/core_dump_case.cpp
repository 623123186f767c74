// SPDX-License-Identifier: Apache-2.0
#include "dispatch/core_dump_case.h"

#include <algorithm>

#include "base/log.h"
#include "dispatch/handler_run.h"
#include "dispatch/report.h"
#include "kernel/proc.h"
#include "origin/resolve.h"

namespace upcall::dispatch {

CoreDumpCase::CoreDumpCase(const Services& services, const CoreDumpSetup& setup, event::EventId id,
                           sources::CoreDumpArrival arrival)
    : services_{services},
      setup_{setup},
      arrival_{std::move(arrival)},
      conversation_{services.io, std::move(arrival_.stream), arrival_.opening},
      event_{.id = id, .time = arrival_.time} {}

asio::awaitable<Outcome> CoreDumpCase::handle() {
  if (const auto heard = co_await conversation_.hear_request(); !heard)
    co_return lose(heard.error());
  if (arrival_.pid == setup_.self_test) {
    conversation_.reject();
    setup_.self_test_arrived();
    co_return Outcome::self_test;
  }
  const auto thread = find_thread();
  if (!thread) co_return lose(thread.error());
  arrival_.tid = *thread;
  auto known = co_await identify();
  if (known) known = co_await wait_for_share();
  auto outcome = Outcome::lost;
  if (known) {
    outcome = co_await decide_and_act();
  } else {
    outcome = lose(known.error());
  }
  co_await let_go_of_capture();
  conversation_.release();
  co_return outcome;
}

asio::awaitable<Result<Ok>> CoreDumpCase::identify() {
  handling_ = co_await services_.handling.acquire();
  place_ = co_await services_.running.acquire();
  co_await services_.containers.catch_up();
  const int dumpable = arrival_.dumpable ? static_cast<int>(*arrival_.dumpable) : -1;
  const std::function<void()> look = [this] { look_at_thread(); };
  auto captured =
      co_await services_.launcher.capture(arrival_.pidfd.get(), *arrival_.tid, dumpable, look);
  if (!captured) co_return captured.error();
  capture_ = captured->reply.capture;
  const pid_t init = captured->reply.template_pid;
  if (auto learnt = learn(*std::move(captured)); !learnt) co_return learnt.error();
  co_await services_.containers.name(event_.origin, init);
  co_return Ok{};
}

asio::awaitable<Result<Ok>> CoreDumpCase::wait_for_share() {
  const auto key = FairShare::key_of(event_.origin);
  const bool has_to_wait = services_.shares.exhausted(key);
  if (has_to_wait) {
    co_await let_go_of_capture();
    place_ = {};
    handling_ = {};
  }
  auto share = co_await services_.shares.acquire(key);
  if (!share) co_return from_errno("wait behind as many of the same origin", EBUSY);
  share_ = *std::move(share);
  if (has_to_wait) co_return co_await identify();
  co_return Ok{};
}

asio::awaitable<void> CoreDumpCase::let_go_of_capture() {
  if (capture_) co_await services_.launcher.release(*capture_);
  capture_.reset();
}

Result<pid_t> CoreDumpCase::find_thread() const {
  if (arrival_.tid) return *arrival_.tid;
  return kernel::find_dumping_thread(services_.proc, arrival_.pid);
}

std::string CoreDumpCase::thread_directory() const {
  return std::to_string(arrival_.pid) + "/task/" + std::to_string(*arrival_.tid);
}

// What is known of it without the launcher, and in the time that that takes.
void CoreDumpCase::look_at_thread() {
  cgroup_ = kernel::read_unified_cgroup(services_.proc, thread_directory());
  const auto limits = kernel::read_proc(services_.proc, thread_directory() + "/limits");
  // Without its limit the process gets none: the safe side for a file that it did not ask for.
  core_limit_ = limits ? kernel::parse_core_limit(*limits).value_or(0) : 0;
  seen_ = origin::look_at(subject());
}

origin::Subject CoreDumpCase::subject() const {
  return {.proc = services_.proc,
          .pidfd = arrival_.pidfd.get(),
          .pid = arrival_.pid,
          .tid = *arrival_.tid,
          .cgroup = cgroup_};
}

// Everything that the policy may ask about.
Result<Ok> CoreDumpCase::learn(launcher::Captured captured) {
  const auto& reply = captured.reply;
  if (!seen_) return seen_.error();
  event::CoreDump dump{.signal = arrival_.signal, .core_limit = core_limit_};
  if (!dump.signal && reply.signal > 0) dump.signal = reply.signal;
  if (reply.dumpable >= 0) dump.dumpable = static_cast<event::Dumpable>(reply.dumpable);
  auto origin = origin::resolve(subject(), *seen_, reply, std::move(captured.texts));
  if (!origin) return origin.error();
  event_.origin = *std::move(origin);
  event_.detail = dump;
  return Ok{};
}

asio::awaitable<Outcome> CoreDumpCase::decide_and_act() {
  decision_ = policy::decide(services_.policy, event_);
  const bool passes = decision_.action.kind == policy::ActionKind::pass;
  const bool rejects = decision_.action.kind == policy::ActionKind::reject ||
                       (passes && writes_nothing(setup_.pass, detail()));
  // First what the kernel waits for.
  Result<Ok> agreed = Ok{};
  if (rejects) {
    conversation_.reject();
  } else {
    agreed = conversation_.agree();
  }
  log::info(decided_line(event_, decision_));
  if (rejects) co_return passes ? Outcome::passed : Outcome::rejected;
  if (agreed) agreed = co_await conversation_.hear_agreement();
  if (!agreed) co_return lose(agreed.error());
  if (passes) co_return co_await pass();
  if (needs_details()) co_await learn_details();
  co_return co_await run_all();
}

bool CoreDumpCase::needs_details() const {
  const auto is_briefed = [this](std::uint32_t row) {
    return services_.policy.handlers.at(row).briefed;
  };
  const bool knows_signal = std::get<event::CoreDump>(event_.detail).signal.has_value();
  return !knows_signal || std::ranges::any_of(decision_.action.handlers, is_briefed) ||
         (decision_.on_failure && is_briefed(*decision_.on_failure));
}

// What no policy asks about, and what only the core itself tells.
asio::awaitable<void> CoreDumpCase::learn_details() {
  const auto signal = co_await conversation_.peek_fatal_signal();
  if (!signal) co_return;
  detail().code = signal->code;
  detail().address = signal->address;
  if (!detail().signal) detail().signal = signal->number;
}

asio::awaitable<Outcome> CoreDumpCase::pass() {
  const bool succeeded = co_await run(row_for(setup_.pass, detail()));
  co_return succeeded ? Outcome::passed : Outcome::failed;
}

asio::awaitable<Outcome> CoreDumpCase::run_all() {
  // With the init its container ends when its dump is over, and our handlers in it, too: the kernel
  // sees to that, or the runtime does.
  const bool hold_to_the_end = event_.origin.is_init;
  bool all_succeeded = true;
  for (const auto row : decision_.action.handlers) {
    const bool succeeded = co_await run(row);
    all_succeeded = all_succeeded && succeeded;
    if (core_given_ && !hold_to_the_end) conversation_.release();
  }
  if (!all_succeeded && decision_.on_failure) (void)co_await run(*decision_.on_failure);
  co_return all_succeeded ? Outcome::handled : Outcome::failed;
}

asio::awaitable<bool> CoreDumpCase::run(std::uint32_t row) {
  const auto briefing = brief(event_, decision_, services_.policy.handlers.at(row));
  const HandlerCall call{.id = event_.id,
                         .briefing = briefing,
                         .capture = *capture_,
                         .row = row,
                         .input = core_given_ ? -1 : conversation_.stream_for_handler()};
  auto run = co_await HandlerRun::start(services_, call);
  if (!run) {
    (void)lose(run.error());
    co_return false;
  }
  const bool succeeded = co_await run->finish();
  if (run->was_executed()) core_given_ = true;
  co_return succeeded;
}

Outcome CoreDumpCase::lose(const Error& error) const {
  log::error("event=" + std::to_string(static_cast<std::uint64_t>(event_.id)) + " process " +
             std::to_string(arrival_.pid) + ": " + upcall::describe(error));
  return Outcome::lost;
}

}  // namespace upcall::dispatch
