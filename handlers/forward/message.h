// SPDX-License-Identifier: Apache-2.0
// A uevent as programs in a container expect it: as the kernel tells it, and as udevd does.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace upcall::forward {

struct Uevent {
  std::string action;
  std::string devpath;
  std::vector<std::pair<std::string, std::string>> variables;  // in the event's order
};

// Of the document that upcalld gives its handlers. EBADMSG for anything else.
[[nodiscard]] Result<Uevent> read_document(std::string_view json);

// "add@/devices/x", the variables but SEQNUM, each ended by NUL: the kernel appends a number of its
// own. E2BIG for more than it takes for injection (lib/kobject_uevent.c, Linux 6.18).
[[nodiscard]] Result<std::string> kernel_message(const Uevent& event);

// With the head by which libudev filters (src/libsystemd/sd-device/device-monitor.c), SEQNUM kept,
// or 1 where upcalld told of what the kernel had dropped: it believes no device without.
[[nodiscard]] std::string udev_message(const Uevent& event);

}  // namespace upcall::forward
