// SPDX-License-Identifier: Apache-2.0
// Any helper of the kernel's but those that have a role of their own.
//
// Role "helper", by a file that the kernel's setting for that helper names:
//
//   #!/usr/sbin/upcall-shim helper=SOCKET,stock=PATH[,absent=deny]
//
// Role "release-agent", the same for a cgroup hierarchy of version 1, whose agent is told the path
// of a cgroup that has become empty.
//
// And by the name usermode-helper, which a kernel with CONFIG_STATIC_USERMODEHELPER executes in the
// place of every helper: the first argument is the path that it wanted, and the stock helper.
//
// It waits for the broker no longer than is said here, and does what the kernel would have done
// where there is none.
#pragma once

#include <span>
#include <string_view>

namespace upcall::shim {

// `options` follow "helper=" or "release-agent="; `arguments` are the kernel's, the helper's name
// first. Return the exit status.
[[nodiscard]] int run_helper_shim(char* options, std::span<char*> arguments,
                                  char* const* environment);
[[nodiscard]] int run_release_agent_shim(char* options, std::span<char*> arguments,
                                         char* const* environment);

// Whether the program was executed by the name that makes it the helper for everything. That name
// is the kernel's own configuration, while the arguments are whatever stands in its settings.
[[nodiscard]] bool is_static_helper(char* const* environment);
[[nodiscard]] int run_static_helper_shim(std::span<char*> arguments, char* const* environment);

}  // namespace upcall::shim
