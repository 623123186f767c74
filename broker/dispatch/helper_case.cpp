// SPDX-License-Identifier: Apache-2.0
#include "dispatch/helper_case.h"

#include <algorithm>
#include <chrono>

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

using wire::HelperVerdict;

// The kernel's own path for what answers for keys (security/keys/request_key.c): request-key(8), or
// the file that starts our shim as such.
constexpr std::string_view kKeyHelper = "/sbin/request-key";

// What stands in the log before its complaints.
std::string name_of(const event::Detail& asked) {
  if (const auto* helper = std::get_if<event::HelperRequest>(&asked))
    return "helper \"" + printable(helper->path) + '"';
  return "module \"" + printable(std::get<event::ModuleRequest>(asked).alias) + '"';
}

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

HelperCase::HelperCase(const Services& services, const HelperServices& helpers, event::EventId id,
                       sources::HelperArrival arrival)
    : services_{services},
      helpers_{helpers},
      arrival_{std::move(arrival)},
      event_{.id = id, .time = arrival_.time, .detail = std::move(arrival_.asked)} {
  if (auto* module = std::get_if<event::ModuleRequest>(&event_.detail))
    module->modules = helpers.aliases.resolve(module->alias);
}

asio::awaitable<Outcome> HelperCase::handle() {
  // It holds nothing until its end: what it asks for next is counted as that.
  if (is_own_helper()) co_return tell(HelperVerdict::pass, Outcome::passed);
  if (auto asker = find_asker(helpers_.trace, services_.proc, arrival_.shim_pid)) {
    // A process of ours that asks is one that all others wait for.
    if (is_ours(services_.proc, asker->pid, helpers_.supervisor)) {
      co_return co_await grant(HelperVerdict::pass, Outcome::passed);
    }
    asker_ = *asker;
  } else {
    complain(asker.error());
  }
  // Before anything that takes time: there may be any number of them.
  if (asker_ && !asker_->waits) {
    if (helpers_.unawaited.exhausted()) {
      complain(from_errno("serve so many for whom nobody waits", EBUSY));
      co_return deny(Outcome::busy);
    }
    unawaited_ = co_await helpers_.unawaited.acquire();
  }
  if (asker_) {
    const auto known = co_await identify();
    if (!known) {
      complain(known.error());
      note(event::Asker::unknown, false);
      event_.origin = {};
    }
  }
  const auto outcome = co_await decide_and_act();
  if (capture_) co_await services_.launcher.release(*capture_);
  co_return outcome;
}

// Only where the shim stands in for all helpers. What it becomes is a file that only root can
// write, and, being the shim again, it asks for what it is about.
bool HelperCase::is_own_helper() const {
  const auto* helper = std::get_if<event::HelperRequest>(&event_.detail);
  if (helper == nullptr || is_release_agent()) return false;
  if (helper->path == kKeyHelper) return true;
  const auto slash = helper->path.rfind('/');
  return slash != std::string::npos && helper->path.substr(0, slash) == helpers_.own_helpers;
}

bool HelperCase::is_release_agent() const {
  const auto* helper = std::get_if<event::HelperRequest>(&event_.detail);
  return helper != nullptr && helper->release_agent;
}

asio::awaitable<Result<Ok>> HelperCase::identify() {
  auto pidfd = kernel::open_pidfd(asker_->pid);
  if (!pidfd) co_return pidfd.error();
  pidfd_ = *std::move(pidfd);
  co_await services_.containers.catch_up();
  auto captured = co_await capture(false);
  if (!captured) co_return captured.error();
  co_return co_await learn(*std::move(captured));
}

asio::awaitable<Result<launcher::Captured>> HelperCase::capture(bool hold) {
  const int asker = pidfd_.get();
  const int shim = arrival_.shim.get();
  co_return co_await services_.launcher.capture_helped(asker, asker_->tid, shim, hold);
}

asio::awaitable<Result<Ok>> HelperCase::learn(launcher::Captured captured) {
  origin::Subject subject{
      .proc = services_.proc, .pidfd = pidfd_.get(), .pid = asker_->pid, .tid = asker_->tid};
  const auto thread = std::to_string(subject.pid) + "/task/" + std::to_string(subject.tid);
  subject.cgroup = kernel::read_unified_cgroup(services_.proc, thread);
  auto origin = origin::resolve(subject, captured.reply, std::move(captured.texts));
  if (!origin) co_return origin.error();
  event_.origin = *std::move(origin);
  note(asker_->kernel_thread ? event::Asker::kernel : event::Asker::user, asker_->waits);
  const pid_t init = captured.reply.template_pid;
  if (init != 0) co_await services_.containers.name_by_init(event_.origin, init);
  if (is_release_agent()) co_await learn_cgroup(std::get<event::HelperRequest>(event_.detail));
  co_return Ok{};
}

void HelperCase::note(event::Asker asker, bool waits) {
  asker_class_ = asker;
  const auto write = [&](auto& asked) {
    asked.asker = asker;
    asked.waits = waits;
  };
  if (auto* module = std::get_if<event::ModuleRequest>(&event_.detail)) write(*module);
  if (auto* helper = std::get_if<event::HelperRequest>(&event_.detail)) write(*helper);
}

asio::awaitable<void> HelperCase::learn_cgroup(const event::HelperRequest& request) {
  auto& origin = event_.origin;
  origin.container = {};
  origin.cgroup =
      asker_->kernel_thread && request.arguments.size() == 1 ? request.arguments[0] : "";
  if (!origin.cgroup.empty()) co_await services_.containers.name_by_cgroup(origin);
}

// What a module needs while it is loaded has the place of that module.
asio::awaitable<bool> HelperCase::take_place() {
  const auto& origin = event_.origin;
  const bool roots = asker_class_ == event::Asker::user && origin.uid == 0 &&
                     !belongs_to_container(origin) && origin.user_namespace_depth == 0;
  if (roots || asker_class_ == event::Asker::kernel || (asker_ && asker_->nested)) co_return true;
  const auto key = FairShare::key_of(origin);
  if (helpers_.places.exhausted() || services_.shares.exhausted(key)) co_return false;
  auto share = co_await services_.shares.acquire(key);
  if (!share) co_return false;
  share_ = *std::move(share);
  place_ = co_await helpers_.places.acquire();
  co_return true;
}

asio::awaitable<Outcome> HelperCase::decide_and_act() {
  decision_ = policy::decide(services_.policy, event_);
  log::info(decided_line(event_, decision_));
  const auto kind = decision_.action.kind;
  if (kind == policy::ActionKind::reject) co_return deny(Outcome::rejected);
  const bool has_place = co_await take_place();
  if (!has_place) {
    complain(from_errno("serve so many at once", EBUSY));
    co_return deny(Outcome::busy);
  }
  if (kind == policy::ActionKind::run) co_return co_await ask_handlers();
  const bool other = kind == policy::ActionKind::load;
  co_return co_await grant(other ? HelperVerdict::load : HelperVerdict::pass, Outcome::passed);
}

asio::awaitable<Outcome> HelperCase::ask_handlers() {
  const bool held = co_await hold_asker();
  if (!held) co_return deny(Outcome::failed);
  auto rows = decision_.action.handlers;
  if (decision_.on_failure) rows.push_back(*decision_.on_failure);
  std::optional<int> said;
  for (const auto row : rows) {
    said = co_await ask(row);
    if (said == 0) break;
  }
  // About a module it only says whether the stock helper is to load it; of others it takes the
  // place, and what its end means is between it and the kernel.
  if (!is_about_module() && said) co_return finish(*said);
  if (said == 0) co_return co_await grant(HelperVerdict::pass, Outcome::handled);
  co_return deny(Outcome::failed);
}

// About a module a handler runs only for somebody who waits for its answer. Of other helpers the
// kernel awaits some and some not, who asked may have ended meanwhile, and the launcher runs their
// handlers for nobody in particular.
asio::awaitable<bool> HelperCase::hold_asker() {
  // Nobody waits for these, and any number may come, as when a container makes and empties cgroups.
  const bool queues = asker_class_ == event::Asker::kernel && !is_about_module();
  if (!asker_ || (!queues && services_.running.exhausted())) {
    complain(from_errno("run a handler for it", asker_ ? EBUSY : ESRCH));
    co_return false;
  }
  if (queues) place_ = co_await helpers_.places.acquire();
  running_ = co_await services_.running.acquire();
  const auto captured = co_await capture(true);
  if (captured && captured->reply.capture != wire::kNoCapture) {
    capture_ = captured->reply.capture;
  } else if (is_about_module()) {
    complain(captured ? from_errno("run a handler for who does not wait", EINVAL)
                      : captured.error());
  }
  set_deadline();
  co_return capture_ || !is_about_module();
}

// The kernel does not ask for a release agent's exit status: it has all its time once it has its
// turn, although the shim may have given up. Others answer as long as the shim listens.
void HelperCase::set_deadline() {
  const auto time = is_about_module() ? limits::kModuleDeadline : limits::kHelperDeadline;
  deadline_ = (is_release_agent() ? std::chrono::steady_clock::now() : arrival_.arrived) + time;
}

asio::awaitable<std::optional<int>> HelperCase::ask(std::uint32_t row) {
  const auto briefing = brief(event_, decision_, services_.policy.handlers.at(row));
  const HandlerCall call{.id = event_.id,
                         .briefing = briefing,
                         .capture = capture_.value_or(wire::kNoCapture),
                         .row = row};
  auto run = co_await HandlerRun::start(services_, call);
  if (!run) {
    complain(run.error());
    co_return std::nullopt;
  }
  Wait wait{.deadline = deadline_};
  // Who does not wait may end before. The kernel's own threads go on when SIGKILL tells them to
  // end.
  if (capture_ && asker_class_ == event::Asker::user)
    wait.status = task_directory(event_.origin) + "/status";
  const bool succeeded = co_await finish_in_time(&services_, &*run, std::move(wait));
  co_return succeeded ? 0 : run->exit_status();
}

// The place is taken until the stock helper has ended, which the shim becomes.
asio::awaitable<Outcome> HelperCase::grant(HelperVerdict verdict, Outcome outcome) {
  const auto told = tell(verdict, outcome);
  if (told != Outcome::lost) co_await end_of(&services_.io, std::move(arrival_.shim));
  co_return told;
}

Outcome HelperCase::tell(HelperVerdict verdict, Outcome outcome) {
  const auto answered = answer(verdict);
  if (answered) return outcome;
  complain(answered.error());
  return Outcome::lost;
}

Outcome HelperCase::finish(int status) {
  const auto answered = answer(HelperVerdict::end, status);
  if (!answered) complain(answered.error());
  return status == 0 ? Outcome::handled : Outcome::failed;
}

Outcome HelperCase::deny(Outcome outcome) {
  const auto answered = answer(HelperVerdict::deny);
  if (!answered) complain(answered.error());
  return outcome;
}

Result<Ok> HelperCase::answer(HelperVerdict verdict, int status) const {
  wire::HelperAnswer answer{.verdict = verdict, .status = status};
  const auto& module = decision_.action.module;
  std::copy_n(module.begin(), std::min(module.size(), answer.name.size() - 1), answer.name.begin());
  return wire::send_message(arrival_.connection.get(), wire::bytes_of(answer));
}

void HelperCase::complain(const Error& error) const {
  log::warning("event=" + std::to_string(static_cast<std::uint64_t>(event_.id)) + " " +
               name_of(event_.detail) + ": " + upcall::describe(error));
}

}  // namespace upcall::dispatch
