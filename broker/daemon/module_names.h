// SPDX-License-Identifier: Apache-2.0
// The names of modules on this machine, asked of kmod's own tool before the first event.
#pragma once

#include <string>

#include "base/result.h"

namespace upcall::daemon {

// Lines as dispatch/module_aliases.h takes them: `modprobe --showconfig`, and "module NAME" for
// each file of a module. `modprobe` is the path of the stock helper.
[[nodiscard]] Result<std::string> read_module_names(const std::string& modprobe);

}  // namespace upcall::daemon
