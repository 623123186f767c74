// SPDX-License-Identifier: Apache-2.0
// The devices that we have been told of, so that after a loss we know what we have not been told.
// Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "event/uevent.h"
#include "kernel/sysfs_devices.h"

namespace upcall::sources {

class DeviceTable {
 public:
  explicit DeviceTable(kernel::Devices devices) : devices_{std::move(devices)} {}

  // Only the kernel's own word counts.
  void observe(const event::Uevent& event);

  // What has to be told now that there are these, as the texts of uevents: "remove" of what is
  // gone, children first, "add" of what is new, parents first, both of what is another device now,
  // and "change" of what stayed, since whatever it said may be among what was lost. `exists` is
  // asked of those that are not in `now`: not all that has events is a device.
  [[nodiscard]] std::vector<std::string> reconcile(
      kernel::Devices now, const std::function<bool(std::string_view)>& exists);

 private:
  void move(std::string_view from, std::string_view to);

  kernel::Devices devices_;
};

}  // namespace upcall::sources
