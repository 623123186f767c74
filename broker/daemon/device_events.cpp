// SPDX-License-Identifier: Apache-2.0
#include "daemon/device_events.h"

#include "base/log.h"

namespace upcall::daemon {

using sources::UeventSocket;

DeviceEvents::DeviceEvents(const dispatch::Services& services, UniqueFd socket, UniqueFd sysfs)
    : services_{services},
      sysfs_{std::move(sysfs)},
      uevents_{services,
               {.full = [this] { socket_.pause(); }, .room = [this] { socket_.resume(); }}},
      socket_{services.io,
              std::move(socket),
              sysfs_.get(),
              {.event = [this](const event::Uevent& event) { uevents_.take(event); },
               .dropped = [this](std::uint64_t count) { uevents_.drop(count); },
               .trouble = [](const std::string& what) { log::warning("uevents: " + what); }}} {}

void DeviceEvents::start() {
  start_loop(services_.io, socket_.run());
  if (has_rules()) {
    or_throw(socket_.join(queues(), UeventSocket::Known::devices));
  } else {
    or_throw(socket_.leave());
  }
}

void DeviceEvents::stop(std::function<void()> idle) {
  uevents_.tally().on_idle(std::move(idle));
  socket_.stop();
  uevents_.stop();
}

void DeviceEvents::monitored(bool wanted) {
  if (has_rules()) return;
  const auto done = wanted ? socket_.join(queues(), UeventSocket::Known::nothing) : socket_.leave();
  if (!done) log::warning(describe(done.error()) + ", ignoring");
}

kernel::DeviceQueues DeviceEvents::queues() const {
  return policy::mention_queues(services_.policy.uevent_rules) ? kernel::DeviceQueues::heard
                                                               : kernel::DeviceQueues::unheard;
}

void DeviceEvents::log_counters() {
  if (!has_rules()) return;
  log::info("uevents heard: " + uevents_.summary());
  log::info("uevents wanted: " + uevents_.tally().summary());
}

}  // namespace upcall::daemon
