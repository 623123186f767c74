// SPDX-License-Identifier: Apache-2.0
// The sockets that a handler gets beside what its event brings. All are sockets, since a pipe or a
// file could be opened once more, and for writing, through /proc/PID/fd.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::dispatch {

struct SocketPair {
  UniqueFd ours;
  UniqueFd theirs;
};
[[nodiscard]] Result<SocketPair> make_socket_pair();

// One that has `text` to read, and then ends. EMSGSIZE or EAGAIN when that is larger than a
// socket's buffer.
[[nodiscard]] Result<UniqueFd> socket_holding(std::string_view text);

struct HandlerSockets {
  UniqueFd event;        // holds the event's document, and then ends
  UniqueFd output;       // the handler's descriptors 1 and 2
  UniqueFd output_ours;  // what it wrote there
};

[[nodiscard]] Result<HandlerSockets> make_handler_sockets(std::string_view document);

}  // namespace upcall::dispatch
