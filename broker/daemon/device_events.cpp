// SPDX-License-Identifier: Apache-2.0
#include "daemon/device_events.h"

#include "base/limits.h"
#include "base/log.h"

namespace upcall::daemon {

using policy::Devices;
using sources::UeventSocket;
namespace {

void tell_trouble(const std::string& what) { log::warning("uevents: " + what); }

}  // namespace

DeviceEvents::DeviceEvents(const dispatch::Services& services, UeventSockets sockets,
                           UniqueFd sysfs)
    : services_{services},
      sysfs_{std::move(sysfs)},
      uevents_{services,
               sysfs_.get(),
               {.full = [this] { socket_.pause(); }, .room = [this] { socket_.resume(); }}},
      networks_{services, uevents_},
      socket_{services.io,
              std::move(sockets.host),
              sysfs_.get(),
              {.event = [this](const event::Uevent& event) { uevents_.take(event, nullptr); },
               .dropped = [this](std::uint64_t count) { drop(count); },
               .trouble = tell_trouble}} {
  if (!sockets.networks) return;
  network_socket_.emplace(
      services.io, std::move(sockets.networks), sysfs_.get(),
      UeventSocket::Sinks{.event = [this](const event::Uevent& event) { networks_.take(event); },
                          .dropped = [this](std::uint64_t count) { networks_.drop(count); },
                          .trouble = tell_trouble},
      limits::kNetworkUeventPause);
}

void DeviceEvents::start() {
  start_loop(services_.io, socket_.run());
  if (has_rules(Devices::of_host)) {
    or_throw(socket_.join(queues(Devices::of_host), UeventSocket::Known::devices));
  } else {
    or_throw(socket_.leave());
  }
  if (!network_socket_) return;
  start_loop(services_.io, network_socket_->run());
  or_throw(network_socket_->join(queues(Devices::of_containers), UeventSocket::Known::nothing));
  networks_.start();
}

void DeviceEvents::stop(std::function<void()> idle) {
  uevents_.tally().on_idle(std::move(idle));
  socket_.stop();
  if (network_socket_) network_socket_->stop();
  uevents_.stop();
}

void DeviceEvents::monitored(bool wanted) {
  if (has_rules(Devices::of_host)) return;
  const auto done = wanted ? socket_.join(queues(Devices::of_host), UeventSocket::Known::nothing)
                           : socket_.leave();
  if (!done) log::warning(describe(done.error()) + ", ignoring");
}

bool DeviceEvents::has_rules(Devices devices) const {
  return policy::want(services_.policy.uevent_rules, devices);
}

kernel::DeviceQueues DeviceEvents::queues(Devices devices) const {
  return policy::mention_queues(services_.policy.uevent_rules, devices)
             ? kernel::DeviceQueues::heard
             : kernel::DeviceQueues::unheard;
}

void DeviceEvents::drop(std::uint64_t count) {
  log::error("uevents: the kernel dropped " + std::to_string(count) +
             " because its buffer was full; a larger --uevent-buffer keeps more");
  uevents_.drop(count);
}

void DeviceEvents::log_counters() {
  if (services_.policy.uevent_rules.empty()) return;
  log::info("uevents heard: " + uevents_.summary());
  log::info("uevents wanted: " + uevents_.tally().summary());
}

}  // namespace upcall::daemon
