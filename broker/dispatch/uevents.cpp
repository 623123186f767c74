// SPDX-License-Identifier: Apache-2.0
#include "dispatch/uevents.h"

#include "base/limits.h"
#include "base/log.h"
#include "kernel/sysfs_devices.h"

namespace upcall::dispatch {
namespace {

std::vector<std::string> devpaths_of(const event::Uevent& event) {
  std::vector<std::string> devpaths{std::string{event.devpath}};
  if (!event.devpath_old.empty() && event.devpath_old != event.devpath)
    devpaths.emplace_back(event.devpath_old);
  return devpaths;
}

}  // namespace

Uevents::Uevents(Services services, int sysfs, Pressure pressure)
    : services_{services},
      sysfs_{sysfs},
      rules_{services.policy.uevent_rules},
      pressure_{std::move(pressure)},
      share_{services.io, limits::kUeventsRunning},
      deliveries_{services, tally_} {}

std::string Uevents::summary() const {
  std::string text;
  for (std::size_t i = 0; i < event::kUeventClasses; ++i) {
    text += std::string{event::name_of(static_cast<event::UeventClass>(i))} + "=" +
            std::to_string(arrived_.at(i)) + " ";
  }
  return text + "ignored=" + std::to_string(ignored_) + " dropped=" + std::to_string(dropped_);
}

void Uevents::take(const event::Uevent& event, std::shared_ptr<const DeviceOwner> owner) {
  ++arrived_.at(static_cast<std::size_t>(event.origin));
  const auto* selector = owner != nullptr ? &owner->selector : nullptr;
  const int sysfs = owner != nullptr ? owner->sysfs.get() : sysfs_;
  const auto read_attribute = [sysfs, &event](const std::string& name) {
    return kernel::read_attribute(sysfs, event.devpath, name);
  };
  const auto* rule = rules_.decide(event, selector, read_attribute);
  if (watch_) watch_->event(event, rule, owner.get());
  if (rule == nullptr || rule->handlers.empty()) {
    ++ignored_;
    return;
  }
  tally_.begin();
  auto one = std::make_unique<UeventCase>(services_, event, *rule, std::move(owner));
  if (!policy::places_of(*rule).empty()) return deliveries_.take(std::move(one));
  const auto entry = order_.enter(devpaths_of(event));
  waiting_.emplace(entry.ticket, std::move(one));
  if (entry.may_start) start(entry.ticket);
  if (waiting_.size() >= limits::kUeventsWaiting && !full_) {
    full_ = true;
    pressure_.full();
  }
}

void Uevents::drop(std::uint64_t count) {
  dropped_ += count;
  if (watch_) watch_->dropped(count);
}

// Each event that ends starts those that waited for it, in coroutines of their own: the stack does
// not grow.
// NOLINTBEGIN(misc-no-recursion)
void Uevents::start(DeviceOrder::Ticket ticket) { start_loop(services_.io, serve(ticket)); }

asio::awaitable<void> Uevents::serve(DeviceOrder::Ticket ticket) {
  auto outcome = Outcome::lost;
  {
    const auto share = co_await share_.acquire();
    const auto handling = co_await services_.handling.acquire();
    const auto place = co_await services_.running.acquire();
    const bool succeeded = co_await waiting_.at(ticket)->run_handlers(nullptr);
    outcome = succeeded ? Outcome::handled : Outcome::failed;
  }
  finish(ticket, outcome);
}

void Uevents::finish(DeviceOrder::Ticket ticket, Outcome outcome) {
  const auto done = waiting_.extract(ticket);
  for (const auto next : order_.leave(ticket)) start(next);
  if (full_ && waiting_.size() < limits::kUeventsWaiting / 2) {
    full_ = false;
    pressure_.room();
  }
  tally_.end(done.mapped()->id(), outcome, done.mapped()->arrived());
}
// NOLINTEND(misc-no-recursion)

}  // namespace upcall::dispatch
