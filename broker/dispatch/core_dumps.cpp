// SPDX-License-Identifier: Apache-2.0
#include "dispatch/core_dumps.h"

#include <sys/socket.h>

#include "base/log.h"
#include "dispatch/output.h"
#include "dispatch/report.h"
#include "kernel/proc.h"
#include "origin/resolve.h"
#include "policy/decide.h"

namespace upcall::dispatch {
namespace {

using Clock = std::chrono::steady_clock;

std::uint64_t micros_since(Clock::time_point start) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count());
}

struct SocketPair {
  UniqueFd ours;
  UniqueFd theirs;
};

Result<SocketPair> make_socket_pair() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) {
    return from_errno("make a socket pair for a handler");
  }
  return SocketPair{.ours = UniqueFd{fds[0]}, .theirs = UniqueFd{fds[1]}};
}

// A socket that holds `text` and then ends. What does not fit the socket's buffer is an error.
Result<UniqueFd> socket_holding(std::string_view text) {
  auto pair = make_socket_pair();
  if (!pair) return pair.error();
  if (!text.empty() && ::send(pair->ours.get(), text.data(), text.size(),
                              MSG_NOSIGNAL | MSG_DONTWAIT) != static_cast<ssize_t>(text.size())) {
    return from_errno("describe the event to its handler");
  }
  return std::move(pair->theirs);
}

}  // namespace

const char* name_of(Outcome outcome) {
  static constexpr std::array<const char*, kOutcomes> kNames = {"handled", "failed", "rejected",
                                                                "passed",  "lost",   "self-test"};
  return kNames.at(static_cast<std::size_t>(outcome));
}

// One dump, and what is known of it so far.
struct CoreDumps::Case {
  Case(asio::io_context& io, sources::CoreDumpArrival arrived)
      : arrival{std::move(arrived)}, conversation{io, std::move(arrival.stream), arrival.opening} {}

  sources::CoreDumpArrival arrival;
  Conversation conversation;
  std::uint32_t capture{};
  event::Event event;
  policy::Decision decision;
  bool core_given{false};  // the stream has gone to a handler, and what is left of it is not a core
};

CoreDumps::CoreDumps(Parts parts)
    : parts_{std::move(parts)}, running_{parts_.io, wire::kMaxCaptures} {}

void CoreDumps::take(sources::CoreDumpArrival arrival) {
  ++counters_.arrived;
  ++active_;
  start_loop(parts_.io, serve(std::move(arrival)));
}

asio::awaitable<void> CoreDumps::serve(sources::CoreDumpArrival arrival) {
  {
    const auto permit = co_await running_.acquire();
    Case dump{parts_.io, std::move(arrival)};
    dump.event.id = event::EventId{next_id_++};
    dump.event.time = dump.arrival.time;
    const auto outcome = co_await handle(dump);
    dump.conversation.release();
    account(dump, outcome);
  }
  if (--active_ == 0 && on_idle_) on_idle_();
}

asio::awaitable<Outcome> CoreDumps::handle(Case& dump) {
  if (const auto heard = co_await dump.conversation.hear_request(); !heard) {
    log::error("process " + std::to_string(dump.arrival.pid) + ": " +
               upcall::describe(heard.error()) + "; its core dump is lost");
    co_return Outcome::lost;
  }
  if (dump.arrival.pid == self_test_) {
    dump.conversation.reject();
    parts_.self_test_arrived();
    co_return Outcome::self_test;
  }
  auto tid = dump.arrival.tid ? Result<pid_t>{*dump.arrival.tid}
                              : kernel::find_dumping_thread(parts_.proc, dump.arrival.pid);
  if (!tid) {
    log::error(upcall::describe(tid.error()) + "; its core dump is lost");
    co_return Outcome::lost;
  }
  dump.arrival.tid = *tid;
  const int dumpable = dump.arrival.dumpable ? static_cast<int>(*dump.arrival.dumpable) : -1;
  auto captured = co_await parts_.launcher.capture(dump.arrival.pidfd.get(), *tid, dumpable);
  if (!captured) {
    log::error("process " + std::to_string(dump.arrival.pid) + ": " +
               upcall::describe(captured.error()) + "; its core dump is lost");
    co_return Outcome::lost;
  }
  dump.capture = captured->reply.capture;
  const auto learnt = learn(dump, *std::move(captured));
  auto outcome = Outcome::lost;
  if (learnt) {
    outcome = co_await handle_captured(dump);
  } else {
    log::error(upcall::describe(learnt.error()) + "; its core dump is lost");
  }
  co_await parts_.launcher.release(dump.capture);
  co_return outcome;
}

// Everything that the policy may ask about.
Result<Ok> CoreDumps::learn(Case& dump, launcher::Captured captured) {
  const auto& arrival = dump.arrival;
  const origin::Subject subject{
      .proc = parts_.proc, .pidfd = arrival.pidfd.get(), .pid = arrival.pid, .tid = *arrival.tid};
  event::CoreDump detail{.signal = arrival.signal};
  if (!detail.signal && captured.reply.signal > 0) detail.signal = captured.reply.signal;
  if (captured.reply.dumpable >= 0)
    detail.dumpable = static_cast<event::Dumpable>(captured.reply.dumpable);
  const auto limits = kernel::read_proc(parts_.proc, std::to_string(arrival.pid) + "/task/" +
                                                         std::to_string(*arrival.tid) + "/limits");
  // Without its limit the process gets none: the safe side for a file that it did not ask for.
  if (limits) detail.core_limit = kernel::parse_core_limit(*limits).value_or(0);
  auto origin = origin::resolve(subject, captured.reply, std::move(captured.exe),
                                std::move(captured.host_name));
  if (!origin) return origin.error();
  dump.event.origin = *std::move(origin);
  dump.event.detail = detail;
  return Ok{};
}

asio::awaitable<Outcome> CoreDumps::handle_captured(Case& dump) {
  dump.decision = policy::decide(parts_.policy, dump.event);
  log::info(decided_line(dump.event, dump.decision));
  const auto& detail = std::get<event::CoreDump>(dump.event.detail);
  if (dump.decision.action.kind == policy::ActionKind::reject) {
    dump.conversation.reject();
    co_return Outcome::rejected;
  }
  if (dump.decision.action.kind == policy::ActionKind::pass &&
      writes_nothing(parts_.pass, detail)) {
    dump.conversation.reject();
    co_return Outcome::passed;
  }
  if (const auto agreed = co_await dump.conversation.agree(); !agreed) {
    log::error("process " + std::to_string(dump.arrival.pid) + ": " +
               upcall::describe(agreed.error()));
    co_return Outcome::lost;
  }
  if (dump.decision.action.kind == policy::ActionKind::pass) co_return co_await pass(dump);
  co_await learn_details(dump);
  co_return co_await run_all(dump);
}

asio::awaitable<void> CoreDumps::learn_details(Case& dump) {
  const auto signal = co_await dump.conversation.peek_fatal_signal();
  if (!signal) co_return;
  auto& detail = std::get<event::CoreDump>(dump.event.detail);
  detail.code = signal->code;
  detail.address = signal->address;
  if (!detail.signal) detail.signal = signal->number;
}

asio::awaitable<Outcome> CoreDumps::pass(Case& dump) {
  const auto row = row_for(parts_.pass, std::get<event::CoreDump>(dump.event.detail));
  const bool succeeded = co_await run(dump, row);
  co_return succeeded ? Outcome::passed : Outcome::failed;
}

asio::awaitable<Outcome> CoreDumps::run_all(Case& dump) {
  // The init of a PID namespace takes everything in it along when its dump is over, our handlers
  // too.
  const bool hold_to_the_end = dump.event.origin.inner_pid == 1;
  bool all_succeeded = true;
  for (const auto row : dump.decision.action.handlers) {
    const bool succeeded = co_await run(dump, row);
    all_succeeded = all_succeeded && succeeded;
    if (dump.core_given && !hold_to_the_end) dump.conversation.release();
  }
  if (!all_succeeded && dump.decision.on_failure)
    (void)co_await run(dump, *dump.decision.on_failure);
  co_return all_succeeded ? Outcome::handled : Outcome::failed;
}

asio::awaitable<bool> CoreDumps::run(Case& dump, std::uint32_t row) {
  const auto& handler = parts_.policy.handlers.at(row);
  const auto place = handler.place;
  const auto fields = describe(dump.event, dump.decision, handler.name, place);
  auto event = socket_holding(to_json(fields, dump.event));
  auto empty = socket_holding({});
  auto output = make_socket_pair();
  if (!event || !empty || !output) {
    log::error("event=" + std::to_string(static_cast<std::uint64_t>(dump.event.id)) +
               ": no descriptors for handler " + handler.name);
    co_return false;
  }
  const std::array fds{dump.core_given ? empty->get() : dump.conversation.stream_for_handler(),
                       output->theirs.get(), output->theirs.get(), event->get()};
  const auto environment = to_environment(fields);
  auto started = co_await parts_.launcher.start(dump.capture, row, environment, fds);
  if (!started) {
    log::error(upcall::describe(started.error()));
    co_return false;
  }
  output->theirs.reset();
  const auto lines = std::make_shared<Output>(parts_.io, std::move(output->ours));
  start_loop(parts_.io, Output::run(lines));
  const auto run = *std::move(started);
  const auto ended = co_await run->ended();
  if (run->pid()) dump.core_given = true;
  log::info(run_line(dump.event.id, handler.name, run->pid().value_or(0), ended, lines->finish()));
  co_return ended.how == wire::RunEnd::exited&& ended.status == 0;
}

void CoreDumps::account(const Case& dump, Outcome outcome) {
  ++counters_.outcomes.at(static_cast<std::size_t>(outcome));
  if (outcome == Outcome::self_test) return;
  log::info("event=" + std::to_string(static_cast<std::uint64_t>(dump.event.id)) + " outcome=" +
            name_of(outcome) + " total_us=" + std::to_string(micros_since(dump.arrival.arrived)));
}

}  // namespace upcall::dispatch
