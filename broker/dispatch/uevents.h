// SPDX-License-Identifier: Apache-2.0
// All uevents: decided as they come, counted, and those that a rule has handlers for handled in the
// order of their devices.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/asio.h"
#include "base/semaphore.h"
#include "dispatch/deliveries.h"
#include "dispatch/device_order.h"
#include "dispatch/services.h"
#include "dispatch/tally.h"
#include "dispatch/uevent_case.h"

namespace upcall::dispatch {

class Uevents {
 public:
  // Told of every event, whatever becomes of it; `rule` is nullptr where none matched, `owner` for
  // the host's devices. What it is given is good until it returns.
  struct Watch {
    std::function<void(const event::Uevent&, const policy::UeventRule* rule,
                       const DeviceOwner* owner)>
        event;
    std::function<void(std::uint64_t count)> dropped;
  };
  // `full` is called when no more should be taken, `room` when they may again.
  struct Pressure {
    std::function<void()> full;
    std::function<void()> room;
  };

  // `sysfs`, of the host's network namespace, is borrowed.
  Uevents(Services services, int sysfs, Pressure pressure);

  // `owner` is the container whose own device it is; nullptr for the host's.
  void take(const event::Uevent& event, std::shared_ptr<const DeviceOwner> owner);
  // The kernel has dropped so many.
  void drop(std::uint64_t count);

  // What containers have not been told of they are not told of any more.
  void stop() { deliveries_.stop(); }
  void forget_all_but(const Deliveries::Running& running) { deliveries_.forget_idle(running); }

  // One at a time; nothing to end it.
  void watch(std::optional<Watch> watch) { watch_ = std::move(watch); }

  // Of those that have handlers.
  [[nodiscard]] Tally& tally() { return tally_; }
  // "kernel=7 synthetic=0 ...": what came, by class, and what did not.
  [[nodiscard]] std::string summary() const;

 private:
  void start(DeviceOrder::Ticket ticket);
  [[nodiscard]] asio::awaitable<void> serve(DeviceOrder::Ticket ticket);
  void finish(DeviceOrder::Ticket ticket, Outcome outcome);

  Services services_;
  int sysfs_;
  policy::UeventIndex rules_;
  Pressure pressure_;
  Semaphore share_;
  DeviceOrder order_;
  std::map<DeviceOrder::Ticket, std::unique_ptr<UeventCase>> waiting_;
  bool full_{false};
  std::optional<Watch> watch_;
  Tally tally_;
  Deliveries deliveries_;
  std::array<std::uint64_t, event::kUeventClasses> arrived_{};  // by class
  std::uint64_t dropped_{};
  std::uint64_t ignored_{};
};

}  // namespace upcall::dispatch
