// SPDX-License-Identifier: Apache-2.0
// Role "modprobe": the kernel's helper for modules, by a file that kernel.modprobe names:
//
//   #!/usr/sbin/upcall-shim modprobe=SOCKET,stock=PATH[,absent=deny]
//
// Who asks for a module sleeps until this program ends, and the kernel lets no more than 50 ask at
// once, so it waits for nothing longer than that limit's own five seconds. Where there is no broker
// the stock helper at PATH does what it always did, unless `absent=deny`: who asks, nobody tells
// this program. What it denies, it denies by failing: the kernel takes success for a module.
#pragma once

#include <span>

namespace upcall::shim {

// `options` follow "modprobe="; `arguments` are the kernel's: its helper's name, "-q", "--", and
// the name that is asked for. Returns the exit status.
[[nodiscard]] int run_module_shim(char* options, std::span<char*> arguments,
                                  char* const* environment);

}  // namespace upcall::shim
