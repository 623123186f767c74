// SPDX-License-Identifier: Apache-2.0
#include "dispatch/key_request_case.h"

#include "base/limits.h"
#include "base/log.h"
#include "dispatch/handler_sockets.h"
#include "dispatch/report.h"
#include "kernel/pidfd.h"
#include "kernel/proc.h"
#include "origin/resolve.h"

namespace upcall::dispatch {
namespace {

static_assert(policy::kMaxReply == wire::kMaxKeyPayload);

// What is our fault, or of the moment, is forgotten at once.
constexpr policy::Negative kBusy{.error = EBUSY, .seconds = 1};
constexpr policy::Negative kLost{.error = EIO, .seconds = 1};

std::string task_directory(const event::Origin& origin) {
  return std::to_string(origin.pid) + "/task/" + std::to_string(origin.tid);
}

}  // namespace

KeyRequestCase::KeyRequestCase(const Services& services, Semaphore& turns, event::EventId id,
                               sources::KeyRequestArrival arrival)
    : services_{services},
      turns_{turns},
      arrival_{std::move(arrival)},
      conversation_{services.io, std::move(arrival_.connection)},
      event_{.id = id, .time = arrival_.time} {}

asio::awaitable<Outcome> KeyRequestCase::handle() {
  if (policy::passes_all_key_requests(services_.policy)) co_return pass();
  const auto known = co_await identify();
  auto outcome = Outcome::lost;
  if (known) {
    outcome = co_await decide_and_act();
  } else {
    complain(known.error());
    outcome = co_await refuse(kLost, Outcome::lost);
  }
  if (capture_) co_await services_.launcher.release(*capture_);
  co_return outcome;
}

asio::awaitable<Result<Ok>> KeyRequestCase::identify() {
  const auto turn = co_await turns_.acquire();
  place_ = co_await services_.running.acquire();
  co_await services_.containers.catch_up();
  auto captured = co_await capture();
  if (!captured) co_return captured.error();
  capture_ = captured->reply.capture;
  const pid_t init = captured->reply.template_pid;
  if (auto learnt = learn(*std::move(captured)); !learnt) co_return learnt.error();
  co_await services_.containers.name(event_.origin, init);
  co_return Ok{};
}

asio::awaitable<Result<launcher::Captured>> KeyRequestCase::capture() {
  auto& launcher = services_.launcher;
  const auto landing = co_await launcher.open_landing();
  if (!landing) co_return landing.error();
  const auto landed = co_await conversation_.land(*landing);
  if (!landed) {
    co_await launcher.abandon(*landing);
    co_return landed.error();
  }
  const int shim = arrival_.shim.get();
  auto captured = co_await launcher.capture_requester(*landing, shim);
  if (captured && !captured->key) co_return from_errno("capture a key", EBADMSG);
  co_return captured;
}

Result<Ok> KeyRequestCase::learn(launcher::Captured captured) {
  auto& key = *captured.key;
  if (key.reply.key != arrival_.call.key)
    return from_errno("find the key that its shim spoke of where that's authority landed", EBADMSG);
  const auto pidfd = kernel::open_pidfd(captured.reply.pid);
  if (!pidfd) return pidfd.error();
  origin::Subject subject{.proc = services_.proc,
                          .pidfd = pidfd->get(),
                          .pid = captured.reply.pid,
                          .tid = key.reply.tid};
  subject.cgroup = kernel::read_unified_cgroup(
      services_.proc, std::to_string(subject.pid) + "/task/" + std::to_string(subject.tid));
  auto origin = origin::resolve(subject, captured.reply, std::move(captured.texts));
  if (!origin) return origin.error();
  event_.origin = *std::move(origin);
  event_.detail = event::KeyRequest{.key = key.reply.key,
                                    .type = std::move(key.type),
                                    .description = std::move(key.description),
                                    .callout = std::move(key.callout),
                                    .destination = std::move(key.destination),
                                    .by_kernel = key.reply.by_kernel != 0,
                                    .thread_keyring = arrival_.call.thread_keyring,
                                    .process_keyring = arrival_.call.process_keyring,
                                    .session_keyring = arrival_.call.session_keyring};
  return Ok{};
}

asio::awaitable<Result<Ok>> KeyRequestCase::take_share() {
  const auto key = FairShare::key_of(event_.origin);
  if (services_.handling.exhausted()) co_return from_errno("answer more of all origins", EBUSY);
  if (!services_.key_rates.admit(key, std::chrono::steady_clock::now())) {
    co_return from_errno("answer an origin so often", EBUSY);
  }
  constexpr const char* kAtOnce = "answer as many of the same origin at once";
  if (services_.shares.exhausted(key)) co_return from_errno(kAtOnce, EBUSY);
  auto share = co_await services_.shares.acquire(key);
  if (!share) co_return from_errno(kAtOnce, EBUSY);
  share_ = *std::move(share);
  handling_ = co_await services_.handling.acquire();
  co_return Ok{};
}

asio::awaitable<Outcome> KeyRequestCase::decide_and_act() {
  decision_ = policy::decide(services_.policy, event_);
  log::info(decided_line(event_, decision_));
  const auto kind = decision_.action.kind;
  if (kind == policy::ActionKind::pass) co_return pass();
  if (kind == policy::ActionKind::reject) {
    co_return co_await refuse(decision_.negative, Outcome::rejected);
  }
  const auto share = co_await take_share();
  if (share) co_return co_await ask_handlers();
  complain(share.error());
  co_return co_await refuse(kBusy, Outcome::busy);
}

Outcome KeyRequestCase::pass() {
  const auto passed = conversation_.pass();
  if (passed) return Outcome::passed;
  complain(passed.error());
  return Outcome::lost;
}

asio::awaitable<Outcome> KeyRequestCase::ask_handlers() {
  auto rows = decision_.action.handlers;
  if (decision_.on_failure) rows.push_back(*decision_.on_failure);
  for (const auto row : rows) {
    if (is_over(wait(), services_.proc)) {
      complain(
          from_errno("wait for a handler: its requester was killed, or its time is up", EINTR));
      break;
    }
    const auto reply = co_await ask(row);
    if (reply) co_return co_await answer(services_.policy.handlers.at(row), *reply);
  }
  co_return co_await refuse(decision_.negative, Outcome::failed);
}

asio::awaitable<std::optional<std::string>> KeyRequestCase::ask(std::uint32_t row) {
  const auto& handler = services_.policy.handlers.at(row);
  const bool replies = !handler.authority;
  gave_authority_ = gave_authority_ || !replies;
  const auto input = socket_holding(std::get<event::KeyRequest>(event_.detail).callout);
  auto reply = make_socket_pair();
  if (!input || !reply) co_return std::nullopt;
  const auto briefing = brief(event_, decision_, handler);
  const HandlerCall call{.id = event_.id,
                         .briefing = briefing,
                         .capture = *capture_,
                         .row = row,
                         .input = input->get(),
                         .reply = replies ? reply->theirs.get() : -1};
  auto run = co_await HandlerRun::start(services_, call);
  reply->theirs.reset();  // the handler's copy alone keeps it open now
  if (!run) {
    complain(run.error());
    co_return std::nullopt;
  }
  const auto payload = std::make_shared<Drain<Payload>>(services_.io, std::move(reply->ours),
                                                        Payload{handler.max_reply});
  start_loop(services_.io, Drain<Payload>::run(payload));
  // A requester that was killed cannot die before it has an answer, and nobody wants one any more.
  const bool succeeded = co_await finish_in_time(&services_, &*run, wait());
  const auto& given = payload->finish();
  if (given.too_long()) complain(from_errno("take so long a payload", EMSGSIZE));
  if (!succeeded || given.too_long()) co_return std::nullopt;
  co_return given.bytes();
}

// A thread of the kernel's own goes on when it is told to end by SIGKILL, as cifsd is.
Wait KeyRequestCase::wait() const {
  const bool kernel_thread =
      std::get<event::KeyRequest>(event_.detail).by_kernel && event_.origin.exe.empty();
  return {.deadline = arrival_.arrived + limits::kKeyDeadline,
          .status = kernel_thread ? "" : task_directory(event_.origin) + "/status"};
}

asio::awaitable<Outcome> KeyRequestCase::answer(const policy::Handler& handler,
                                                const std::string& reply) {
  if (handler.authority) co_return co_await refuse(decision_.negative, Outcome::failed);
  std::string payload = reply;
  if (handler.nul_terminated) payload.push_back('\0');
  const auto answered = co_await conversation_.instantiate(payload, handler.seconds);
  if (answered) co_return Outcome::handled;
  complain(answered.error());
  co_return Outcome::failed;
}

asio::awaitable<Outcome> KeyRequestCase::refuse(policy::Negative negative, Outcome outcome) {
  if (gave_authority_) {
    const auto answered = co_await conversation_.end_answered(negative);
    if (answered) co_return Outcome::handled;
    complain(answered.error());
    co_return outcome;
  }
  const auto rejected = co_await conversation_.reject(negative);
  if (!rejected) complain(rejected.error());
  co_return outcome;
}

void KeyRequestCase::complain(const Error& error) const {
  log::error("event=" + std::to_string(static_cast<std::uint64_t>(event_.id)) + " key " +
             std::to_string(arrival_.call.key) + ": " + upcall::describe(error));
}

}  // namespace upcall::dispatch
