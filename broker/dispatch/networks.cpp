// SPDX-License-Identifier: Apache-2.0
#include "dispatch/networks.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "kernel/sysfs_devices.h"
#include "policy/decide.h"

namespace upcall::dispatch {
namespace {

// The subsystems whose devices belong to a network namespace (net_ns_type_operations in the
// kernel's source, 6.18).
constexpr std::array<std::string_view, 5> kTagged{"net", "queues", "macvtap", "ipvtap",
                                                  "ieee80211"};

// Others of its events reach many, and so come with their numbers too; what is injected into one is
// heard there alone.
bool is_of_network(const event::Uevent& event) {
  return event.origin == event::UeventClass::injected ||
         std::ranges::find(kTagged, event.subsystem) != kTagged.end();
}

bool unfinished(const Error& error) {
  return error.code == std::errc::resource_unavailable_try_again;
}

// A container in the host's network has no devices of its own.
bool has_none(const Error& error) { return error.code == std::errc::not_supported; }

std::string explain(const Error& error) {
  if (error.code.value() != EDQUOT) return upcall::describe(error);
  return std::to_string(limits::kNetworks) + " are heard already, or " +
         std::to_string(limits::kNetworksOfHost) +
         " without a user namespace of their own, each of which makes the host's uevents dearer";
}

}  // namespace

void Networks::start() { start_loop(services_.io, follow()); }

asio::awaitable<void> Networks::follow() {
  constexpr auto kSoonest = limits::kLookAtUnfinished / 2;
  auto pause = kSoonest;
  for (;;) {
    const auto seen = services_.containers.changes();
    const auto running = co_await services_.containers.running();
    forget_all_but(running);
    const bool again = co_await look_at(running);
    tell_missed();
    pause = again ? std::min(2 * pause, limits::kLookAtAll) : limits::kLookAtAll;
    co_await services_.containers.changed(seen, pause);
    if (services_.containers.changes() != seen) pause = kSoonest;
  }
}

asio::awaitable<bool> Networks::look_at(const Running& running) {
  bool again = false;
  for (const auto& [path, record] : running) {
    if (members_.contains(record.init) || !wanted(record)) continue;
    DeviceOwner owner;
    owner.record = record;
    auto network = co_await hear(owner);
    if (network) {
      adopt(std::move(owner), *std::move(network));
    } else if (failed(record, network.error())) {
      again = true;
    }
  }
  co_return again;
}

void Networks::adopt(DeviceOwner owner, Network network) {
  const auto init = owner.record.init;
  problems_.erase(init);
  Member member;
  if (!network) {
    member.owner = std::make_shared<const DeviceOwner>(std::move(owner));
    members_.insert_or_assign(init, std::move(member));
    return;
  }
  log::info("uevents of the devices of " + name_of(owner.record) + " are heard");
  owner.sysfs = std::move(network->sysfs);
  member.owner = std::make_shared<const DeviceOwner>(std::move(owner));
  member.network = network->number;
  by_network_.emplace(network->number, init);
  catch_up(members_.insert_or_assign(init, std::move(member)).first->second);
}

// Beside its rate, which those may have used up that made the kernel drop some. Of what stayed
// nothing is told: with a flood of its own a container could have all others told of theirs.
void Networks::catch_up(Member& member) {
  const int sysfs = member.owner->sysfs.get();
  const auto exists = [sysfs](std::string_view devpath) {
    return kernel::device_exists(sysfs, devpath);
  };
  auto now = kernel::read_classes(sysfs, kTagged, limits::kDevicesOfContainer);
  for (const auto& text : member.devices.reconcile(std::move(now), exists)) {
    auto event = event::parse_uevent(text);
    event->origin = event::UeventClass::resync;
    if (event->action != "change") uevents_.take(*event, member.owner);
  }
}

// Not more often than every few seconds, whoever floods us.
asio::awaitable<void> Networks::catch_up_in_time() {
  asio::steady_timer timer{services_.io, next_catching_up_};
  boost::system::error_code ec;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  catching_up_ = false;
  next_catching_up_ = Clock::now() + limits::kResyncEvery;
  for (auto& [init, member] : members_) {
    if (member.network) catch_up(member);
  }
}

bool Networks::failed(const origin::Record& record, const Error& error) {
  if (unfinished(error)) return true;
  if (is_gone(error)) return false;
  auto& told = problems_[record.init];
  const auto why = explain(error);
  if (why != told)
    log::warning("uevents of the devices of " + name_of(record) + " are not heard: " + why);
  told = why;
  return false;
}

bool Networks::wanted(const origin::Record& record) const {
  return std::ranges::any_of(services_.policy.uevent_rules, [&](const policy::UeventRule& rule) {
    const auto& listed = rule.when.container;
    return !listed.empty() && policy::may_be_among(services_.policy, listed, record.container);
  });
}

asio::awaitable<Result<Networks::Network>> Networks::hear(DeviceOwner& owner) {
  const auto place = co_await services_.running.acquire();
  const auto held = co_await hold_container(services_, owner.record);
  if (!held) co_return held.error();
  owner.selector = held->selector;
  auto network = co_await hear(*held);
  co_await services_.launcher.release(held->capture);
  co_return network;
}

asio::awaitable<Result<Networks::Network>> Networks::hear(const Recipient& held) {
  if (!policy::want_devices_of(services_.policy.uevent_rules, held.selector)) co_return Network{};
  auto network = co_await services_.launcher.hear_network(held.capture);
  if (!network && has_none(network.error())) co_return Network{};
  if (!network) co_return network.error();
  co_return Network{*std::move(network)};
}

// One that has got another name since may be another selector's.
void Networks::forget_all_but(const Running& running) {
  uevents_.forget_all_but(running);
  std::map<pid_t, const origin::Record*> living;
  for (const auto& [path, record] : running) living[record.init] = &record;
  std::erase_if(problems_, [&](const auto& one) { return !living.contains(one.first); });
  std::vector<pid_t> gone;
  for (const auto& [init, member] : members_) {
    const auto found = living.find(init);
    const auto& known = member.owner->record;
    if (found == living.end() || found->second->start_time != known.start_time ||
        found->second->container != known.container)
      gone.push_back(init);
  }
  for (const auto init : gone) forget(init);
}

void Networks::forget(pid_t init) {
  const auto& network = members_.at(init).network;
  if (network) {
    const auto [begin, end] = by_network_.equal_range(*network);
    by_network_.erase(
        std::find_if(begin, end, [&](const auto& one) { return one.second == init; }));
  }
  members_.erase(init);
}

void Networks::take(const event::Uevent& event) {
  if (!event.network || !is_of_network(event)) return;
  const auto now = Clock::now();
  const auto [begin, end] = by_network_.equal_range(*event.network);
  for (auto one = begin; one != end; ++one) {
    auto& member = members_.at(one->second);
    member.devices.observe(event);
    if (member.rate.take(now)) {
      uevents_.take(event, member.owner);
    } else {
      ++member.missed;
    }
  }
  if (now >= next_telling_) tell_missed();
}

void Networks::drop(std::uint64_t count) {
  uevents_.drop(count);
  dropped_ += count;
  if (Clock::now() >= next_telling_) tell_missed();
  if (catching_up_) return;
  catching_up_ = true;
  start_loop(services_.io, catch_up_in_time());
}

void Networks::tell_missed() {
  next_telling_ = Clock::now() + limits::kTellMissed;
  for (auto& [init, member] : members_) {
    if (member.missed == 0) continue;
    log::warning("uevents: " + name_of(member.owner->record) + " has missed " +
                 std::to_string(member.missed) + " of its devices, of which too many came");
    member.missed = 0;
  }
  if (dropped_ > 0)
    log::error("uevents of containers' devices: the kernel dropped " + std::to_string(dropped_) +
               ", whosever they were, because too many came");
  dropped_ = 0;
}

}  // namespace upcall::dispatch
