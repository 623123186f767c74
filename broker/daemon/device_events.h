// SPDX-License-Identifier: Apache-2.0
// Uevents from the kernel's socket to their handlers. The kernel is asked for them only while a
// rule or a monitor wants some: nobody else's host pays for them.
#pragma once

#include <functional>

#include "base/unique_fd.h"
#include "dispatch/uevents.h"
#include "sources/uevent_socket.h"

namespace upcall::daemon {

class DeviceEvents {
 public:
  DeviceEvents(const dispatch::Services& services, UniqueFd socket, UniqueFd sysfs);

  void start();
  // Takes no more, and calls `idle` when those that have come are handled.
  void stop(std::function<void()> idle);
  [[nodiscard]] bool idle() { return uevents_.tally().idle(); }

  // Whether somebody watches all that comes.
  void monitored(bool wanted);
  [[nodiscard]] dispatch::Uevents& uevents() { return uevents_; }
  void log_counters();

 private:
  [[nodiscard]] bool has_rules() const { return !services_.policy.uevent_rules.empty(); }
  [[nodiscard]] kernel::DeviceQueues queues() const;

  dispatch::Services services_;
  UniqueFd sysfs_;
  dispatch::Uevents uevents_;
  sources::UeventSocket socket_;
};

}  // namespace upcall::daemon
