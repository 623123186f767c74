// SPDX-License-Identifier: Apache-2.0
// The sockets that the kernel's calls come in by, and upcallctl's: received from the service
// manager (sd_listen_fds(3), names "coredump", "shim", "modprobe", "helper", "control" and
// "uevent"), which
// keeps them and what waits in them over a restart, or made here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/unique_fd.h"

namespace upcall::daemon {

struct Listener {
  UniqueFd socket;
  std::string path;       // where it is bound
  std::uint64_t inode{};  // of the path, where we bound it
  bool inherited{false};  // the service manager's, so it stays when we go
};

struct Listeners {
  Listener core_dumps;  // SOCK_STREAM, for the kernel
  Listener shim;        // SOCK_SEQPACKET, for upcall-shim
  Listener modules;     // likewise: modules, which must not wait behind core dumps
  Listener helpers;     // likewise: other helpers, of which a container can cause any number
  Listener control;     // SOCK_SEQPACKET, for upcallctl
  UniqueFd uevents;     // NETLINK_KOBJECT_UEVENT
};

// Throws std::system_error or std::runtime_error with the cause and the remedy. `directory` exists
// and is root's. Without that for modules.
[[nodiscard]] Listeners open_listeners(const std::string& directory, std::size_t uevent_buffer);

// That for modules, unless it was inherited: with rules on them only, since what connects to a
// socket that nobody serves waits.
void open_module_listener(Listeners& listeners, const std::string& directory);
// The same for other helpers. An inherited one that is not needed is closed and unlinked: their
// files are not upcalld's to put back, and are to find nobody there.
void set_up_helper_listener(Listeners& listeners, const std::string& directory, bool needed);

// Unlinks what was made here, unless somebody has put something else in its place.
void remove_listeners(const Listeners& listeners);

// Removes them unless it is released: a start that fails leaves none behind. What it is given is
// borrowed.
class ListenersOwner {
 public:
  explicit ListenersOwner(const Listeners& listeners) : listeners_{&listeners} {}
  ListenersOwner(const ListenersOwner&) = delete;
  ListenersOwner& operator=(const ListenersOwner&) = delete;
  ~ListenersOwner() {
    if (listeners_ != nullptr) remove_listeners(*listeners_);
  }
  void release() { listeners_ = nullptr; }

 private:
  const Listeners* listeners_;
};

}  // namespace upcall::daemon
