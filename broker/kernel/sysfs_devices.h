// SPDX-License-Identifier: Apache-2.0
// All devices that there are, read out of a sysfs, and what it says of one. Reading a uevent file
// tells what its device would say of itself; only writing to one makes events, which nobody here
// does.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace upcall::kernel {

// By devpath ("/devices/..."), sorted: parents before what is on them. The value is what a uevent
// says beside action and path: "NAME=value", each ended by NUL, SUBSYSTEM first.
using Devices = std::map<std::string, std::string, std::less<>>;

// A device that goes meanwhile is left out.
[[nodiscard]] Result<Devices> read_devices(int sysfs);
// Those of these classes, such as "net", `most` at most. Of "net" a sysfs shows only what is in its
// own network namespace.
[[nodiscard]] Devices read_classes(int sysfs, std::span<const std::string_view> names,
                                   std::size_t most);
[[nodiscard]] bool device_exists(int sysfs, std::string_view devpath);

// What the file `name` of a device says, such as "address" or "device/vendor", without the white
// space at its end; of a link to a directory, such as "driver", the last part of its target.
// Nothing for what is not there, what may not be read, and what fills a page: no attribute is so
// long, and other files would be cut off. It takes as long as the device's driver takes.
[[nodiscard]] std::optional<std::string> read_attribute(int sysfs, std::string_view devpath,
                                                        std::string_view name);

}  // namespace upcall::kernel
