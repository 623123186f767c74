// SPDX-License-Identifier: Apache-2.0
#include "dispatch/emptied_cgroup_case.h"

#include "base/limits.h"
#include "base/log.h"
#include "dispatch/handler_run.h"
#include "dispatch/patience.h"
#include "dispatch/report.h"

namespace upcall::dispatch {
namespace {

event::Event event_of(event::EventId id, std::string path) {
  event::Event event{
      .id = id,
      .time = std::chrono::system_clock::now(),
      .detail = event::HelperRequest{
          .arguments = {path}, .release_agent = true, .asker = event::Asker::kernel}};
  event.origin.cgroup = std::move(path);
  return event;
}

}  // namespace

EmptiedCgroupCase::EmptiedCgroupCase(const Services& services, Semaphore& turns, event::EventId id,
                                     std::string path)
    : services_{services}, turns_{turns}, event_{event_of(id, std::move(path))} {}

asio::awaitable<Outcome> EmptiedCgroupCase::handle() {
  co_await services_.containers.name_by_cgroup(event_.origin);
  decision_ = policy::decide(services_.policy, event_);
  log::info(decided_line(event_, decision_));
  switch (decision_.action.kind) {
    case policy::ActionKind::reject:
      co_return Outcome::rejected;
    case policy::ActionKind::run:
      co_return co_await ask_handlers();
    case policy::ActionKind::pass:
    case policy::ActionKind::load:
      break;
  }
  co_return Outcome::passed;
}

// As of other helpers, the next one runs where the one before has failed.
asio::awaitable<Outcome> EmptiedCgroupCase::ask_handlers() {
  const auto turn = co_await turns_.acquire();
  const auto handling = co_await services_.handling.acquire();
  const auto place = co_await services_.running.acquire();
  deadline_ = std::chrono::steady_clock::now() + limits::kHelperDeadline;
  auto rows = decision_.action.handlers;
  if (decision_.on_failure) rows.push_back(*decision_.on_failure);
  for (const auto row : rows) {
    const bool succeeded = co_await ask(row);
    if (succeeded) co_return Outcome::handled;
  }
  co_return Outcome::failed;
}

asio::awaitable<bool> EmptiedCgroupCase::ask(std::uint32_t row) {
  const auto briefing = brief(event_, decision_, services_.policy.handlers.at(row));
  const HandlerCall call{
      .id = event_.id, .briefing = briefing, .capture = wire::kNoCapture, .row = row};
  auto run = co_await HandlerRun::start(services_, call);
  if (!run) {
    log::warning("event=" + std::to_string(static_cast<std::uint64_t>(event_.id)) + ": " +
                 upcall::describe(run.error()));
    co_return false;
  }
  Wait wait{.deadline = deadline_};
  co_return co_await finish_in_time(&services_, &*run, std::move(wait));
}

}  // namespace upcall::dispatch
