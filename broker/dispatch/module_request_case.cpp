// SPDX-License-Identifier: Apache-2.0
#include "dispatch/module_request_case.h"

#include <algorithm>
#include <memory>

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "dispatch/patience.h"
#include "dispatch/report.h"
#include "kernel/pidfd.h"
#include "kernel/proc.h"
#include "origin/resolve.h"
#include "wire/seqpacket.h"

namespace upcall::dispatch {
namespace {

using wire::ModuleVerdict;

std::string task_directory(const event::Origin& origin) {
  return std::to_string(origin.pid) + "/task/" + std::to_string(origin.tid);
}

asio::awaitable<void> end_of(asio::io_context* io, UniqueFd pidfd) {
  asio::posix::stream_descriptor process{*io, pidfd.release()};
  boost::system::error_code ec;
  co_await process.async_wait(asio::posix::descriptor_base::wait_read,
                              asio::redirect_error(asio::use_awaitable, ec));
}

}  // namespace

ModuleRequestCase::ModuleRequestCase(const Services& services, const ModuleServices& modules,
                                     event::EventId id, sources::ModuleRequestArrival arrival)
    : services_{services},
      modules_{modules},
      arrival_{std::move(arrival)},
      event_{.id = id,
             .time = arrival_.time,
             .detail = event::ModuleRequest{.alias = arrival_.alias,
                                            .modules = modules.aliases.resolve(arrival_.alias)}} {}

asio::awaitable<Outcome> ModuleRequestCase::handle() {
  if (auto asker = find_asker(modules_.trace, services_.proc, arrival_.shim_pid)) {
    // A process of ours that asks is one that all others wait for.
    if (is_ours(services_.proc, asker->pid, modules_.supervisor)) {
      co_return co_await grant(ModuleVerdict::pass, Outcome::passed);
    }
    asker_ = *asker;
  } else {
    complain(asker.error());
  }
  // Before anything that takes time: there may be any number of them.
  if (asker_ && !asker_->waits) {
    if (modules_.unawaited.exhausted()) {
      complain(from_errno("have so many modules loaded for which nobody waits", EBUSY));
      co_return deny(Outcome::busy);
    }
    unawaited_ = co_await modules_.unawaited.acquire();
  }
  if (asker_) {
    const auto known = co_await identify();
    if (!known) {
      complain(known.error());
      request().asker = event::Asker::unknown;
      event_.origin = {};
    }
  }
  const auto outcome = co_await decide_and_act();
  if (capture_) co_await services_.launcher.release(*capture_);
  co_return outcome;
}

asio::awaitable<Result<Ok>> ModuleRequestCase::identify() {
  auto pidfd = kernel::open_pidfd(asker_->pid);
  if (!pidfd) co_return pidfd.error();
  pidfd_ = *std::move(pidfd);
  request().waits = asker_->waits;
  auto captured = co_await capture(false);
  if (!captured) co_return captured.error();
  co_return co_await learn(*std::move(captured));
}

asio::awaitable<Result<launcher::Captured>> ModuleRequestCase::capture(bool hold) {
  const int asker = pidfd_.get();
  const int shim = arrival_.shim.get();
  co_return co_await services_.launcher.capture_helped(asker, asker_->tid, shim, hold);
}

asio::awaitable<Result<Ok>> ModuleRequestCase::learn(launcher::Captured captured) {
  origin::Subject subject{
      .proc = services_.proc, .pidfd = pidfd_.get(), .pid = asker_->pid, .tid = asker_->tid};
  const auto thread = std::to_string(subject.pid) + "/task/" + std::to_string(subject.tid);
  subject.cgroup = kernel::read_unified_cgroup(services_.proc, thread);
  auto origin = origin::resolve(subject, captured.reply, std::move(captured.texts));
  if (!origin) co_return origin.error();
  event_.origin = *std::move(origin);
  request().asker = asker_->kernel_thread ? event::Asker::kernel : event::Asker::user;
  const pid_t init = captured.reply.template_pid;
  if (init != 0) co_await services_.containers.name_by_init(event_.origin, init);
  co_return Ok{};
}

// What a module needs while it is loaded has the place of that module.
asio::awaitable<bool> ModuleRequestCase::take_place() {
  const auto& origin = event_.origin;
  const bool roots = request().asker == event::Asker::user && origin.uid == 0 &&
                     !in_pid_namespace_of_container(origin) && origin.user_namespace_depth == 0;
  if (roots || request().asker == event::Asker::kernel || (asker_ && asker_->nested))
    co_return true;
  const auto key = FairShare::key_of(origin);
  if (modules_.places.exhausted() || services_.shares.exhausted(key)) co_return false;
  auto share = co_await services_.shares.acquire(key);
  if (!share) co_return false;
  share_ = *std::move(share);
  place_ = co_await modules_.places.acquire();
  co_return true;
}

asio::awaitable<Outcome> ModuleRequestCase::decide_and_act() {
  decision_ = policy::decide(services_.policy, event_);
  log::info(decided_line(event_, decision_));
  const auto kind = decision_.action.kind;
  if (kind == policy::ActionKind::reject) co_return deny(Outcome::rejected);
  const bool has_place = co_await take_place();
  if (!has_place) {
    complain(from_errno("have so many modules loaded at once", EBUSY));
    co_return deny(Outcome::busy);
  }
  if (kind == policy::ActionKind::run) co_return co_await ask_handlers();
  const bool other = kind == policy::ActionKind::load;
  co_return co_await grant(other ? ModuleVerdict::load : ModuleVerdict::pass, Outcome::passed);
}

asio::awaitable<Outcome> ModuleRequestCase::ask_handlers() {
  const bool held = co_await hold_asker();
  if (!held) co_return deny(Outcome::failed);
  auto rows = decision_.action.handlers;
  if (decision_.on_failure) rows.push_back(*decision_.on_failure);
  for (const auto row : rows) {
    const bool granted = co_await ask(row);
    if (granted) co_return co_await grant(ModuleVerdict::pass, Outcome::handled);
  }
  co_return deny(Outcome::failed);
}

// A handler runs only for somebody who waits for its answer.
asio::awaitable<bool> ModuleRequestCase::hold_asker() {
  if (!asker_ || services_.running.exhausted()) {
    complain(from_errno("run a handler for it", asker_ ? EBUSY : ESRCH));
    co_return false;
  }
  running_ = co_await services_.running.acquire();
  const auto captured = co_await capture(true);
  if (!captured) {
    complain(captured.error());
    co_return false;
  }
  if (captured->reply.capture == wire::kNoCapture) {
    complain(from_errno("run a handler for who does not wait", EINVAL));
    co_return false;
  }
  capture_ = captured->reply.capture;
  co_return true;
}

asio::awaitable<bool> ModuleRequestCase::ask(std::uint32_t row) {
  const auto briefing = brief(event_, decision_, services_.policy.handlers.at(row));
  const HandlerCall call{.id = event_.id, .briefing = briefing, .capture = *capture_, .row = row};
  auto run = co_await HandlerRun::start(services_, call);
  if (!run) {
    complain(run.error());
    co_return false;
  }
  Wait wait{.deadline = arrival_.arrived + limits::kModuleDeadline,
            .status = task_directory(event_.origin) + "/status"};
  const auto patience = std::make_shared<Patience>(services_, run->process(), std::move(wait));
  start_loop(services_.io, Patience::watch(patience));
  const bool granted = co_await run->finish();
  patience->end();
  co_return granted;
}

// The place is taken until the stock helper has ended, which the shim becomes.
asio::awaitable<Outcome> ModuleRequestCase::grant(ModuleVerdict verdict, Outcome outcome) {
  const auto answered = answer(verdict);
  if (!answered) {
    complain(answered.error());
    co_return Outcome::lost;
  }
  co_await end_of(&services_.io, std::move(arrival_.shim));
  co_return outcome;
}

Outcome ModuleRequestCase::deny(Outcome outcome) {
  const auto answered = answer(ModuleVerdict::deny);
  if (!answered) complain(answered.error());
  return outcome;
}

Result<Ok> ModuleRequestCase::answer(ModuleVerdict verdict) {
  wire::ModuleAnswer answer{.verdict = verdict};
  const auto& module = decision_.action.module;
  std::copy_n(module.begin(), std::min(module.size(), answer.name.size() - 1), answer.name.begin());
  return wire::send_message(arrival_.connection.get(), wire::bytes_of(answer));
}

void ModuleRequestCase::complain(const Error& error) const {
  log::warning("event=" + std::to_string(static_cast<std::uint64_t>(event_.id)) + " module \"" +
               printable(arrival_.alias) + "\": " + upcall::describe(error));
}

}  // namespace upcall::dispatch
