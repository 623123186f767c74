// SPDX-License-Identifier: Apache-2.0
// Uevents from the kernel's sockets to their handlers. The kernel is asked for them only while a
// rule or a monitor wants some: nobody else's host pays for them.
#pragma once

#include <functional>
#include <optional>

#include "base/unique_fd.h"
#include "dispatch/networks.h"
#include "dispatch/uevents.h"
#include "sources/uevent_socket.h"

namespace upcall::daemon {

struct UeventSockets {
  UniqueFd host;
  UniqueFd networks;  // of a kernel::NetworkCollector; where rules ask for containers' own devices
};

class DeviceEvents {
 public:
  DeviceEvents(const dispatch::Services& services, UeventSockets sockets, UniqueFd sysfs);

  void start();
  // Takes no more, and calls `idle` when those that have come are handled.
  void stop(std::function<void()> idle);
  [[nodiscard]] bool idle() { return uevents_.tally().idle(); }

  // Whether somebody watches all that comes.
  void monitored(bool wanted);
  [[nodiscard]] dispatch::Uevents& uevents() { return uevents_; }
  void log_counters();

 private:
  void drop(std::uint64_t count);
  [[nodiscard]] bool has_rules(policy::Devices devices) const;
  [[nodiscard]] kernel::DeviceQueues queues(policy::Devices devices) const;

  dispatch::Services services_;
  UniqueFd sysfs_;
  dispatch::Uevents uevents_;
  dispatch::Networks networks_;
  sources::UeventSocket socket_;
  std::optional<sources::UeventSocket> network_socket_;
};

}  // namespace upcall::daemon
