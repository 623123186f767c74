// SPDX-License-Identifier: Apache-2.0
// All devices that there are, read out of a sysfs. Reading a uevent file tells what its device
// would say of itself; only writing to one makes events, which nobody here does.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace upcall::kernel {

// By devpath ("/devices/..."), sorted: parents before what is on them. The value is what a uevent
// says beside action and path: "NAME=value", each ended by NUL, SUBSYSTEM first.
using Devices = std::map<std::string, std::string, std::less<>>;

// A device that goes meanwhile is left out.
[[nodiscard]] Result<Devices> read_devices(int sysfs);
[[nodiscard]] bool device_exists(int sysfs, std::string_view devpath);

}  // namespace upcall::kernel
