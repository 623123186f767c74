// SPDX-License-Identifier: Apache-2.0
// The way to upcall-broker, the same for every role.
#pragma once

#include <string_view>

namespace upcall::shim {

inline constexpr std::string_view kSeeBroker =
    "is upcall-broker running? see: systemctl status upcalld";

// A send that finds no room waits for so long, and then fails with -EAGAIN.
void limit_sending(int socket, long seconds);

// A connection, or a negated errno: -EAGAIN when its backlog stays full for `seconds`, which also
// limits what is sent on it.
[[nodiscard]] long connect_to_broker(const char* path, long seconds);

}  // namespace upcall::shim
