// SPDX-License-Identifier: Apache-2.0
// systemd-nspawn, and whatever else systemd-machined was told of: /run/systemd/machines/NAME, lines
// KEY=value (systemd 208 to 259).
#pragma once

#include <string_view>

#include "base/result.h"
#include "origin/record.h"

namespace upcall::origin {

// ENOTSUP for what is registered and no container of the host's, such as a virtual machine: to be
// expected, and no mistake in the file.
[[nodiscard]] Result<Record> parse_machine(std::string_view name, std::string_view text);

}  // namespace upcall::origin
