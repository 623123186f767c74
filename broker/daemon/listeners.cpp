// SPDX-License-Identifier: Apache-2.0
#include "daemon/listeners.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "base/limits.h"
#include "base/result.h"
#include "kernel/netlink_uevent.h"

namespace upcall::daemon {
namespace {

std::string bound_path(int socket) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::system_error{errno, std::system_category(),
                            "cannot ask where an inherited socket is bound"};
  }
  return {address.sun_path, ::strnlen(address.sun_path, sizeof address.sun_path)};
}

Listener adopt(int socket, int type, const char* name) {
  if (::sd_is_socket_unix(socket, type, 1, nullptr, 0) <= 0) {
    throw std::runtime_error{std::string{"the service manager passed a '"} + name +
                             "' that is no listening AF_UNIX socket of type " +
                             (type == SOCK_STREAM ? "stream" : "seqpacket") +
                             "; see units/ for the right one"};
  }
  return {.socket = UniqueFd{socket}, .path = bound_path(socket), .inherited = true};
}

// 0 where there is nothing.
std::uint64_t inode_of(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

Listener make(const std::string& path, int type) {
  UniqueFd socket{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
  if (!socket) throw std::system_error{errno, std::system_category(), "cannot make a socket"};
  sockaddr_un address{.sun_family = AF_UNIX};
  if (path.size() >= sizeof address.sun_path) {
    throw std::runtime_error{"the socket path '" + path +
                             "' is too long: choose a --runtime-directory of fewer than " +
                             std::to_string(sizeof address.sun_path - 20) + " bytes"};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  // What a killed predecessor left behind. Nobody else can have put it there: the directory is
  // root's, and locked.
  (void)::unlink(path.c_str());
  const mode_t mask = ::umask(0177);
  const int bound =
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int cause = errno;
  (void)::umask(mask);
  if (bound != 0)
    throw std::system_error{cause, std::system_category(), "cannot bind '" + path + "'"};
  if (::listen(socket.get(), limits::kBacklog) != 0) {
    throw std::system_error{errno, std::system_category(), "cannot listen on '" + path + "'"};
  }
  return {.socket = std::move(socket), .path = path, .inode = inode_of(path)};
}

void adopt_inherited(Listeners& listeners) {
  char** names = nullptr;
  const int count = ::sd_listen_fds_with_names(1, &names);
  if (count < 0)
    throw std::system_error{-count, std::system_category(), "cannot take the inherited sockets"};
  for (int i = 0; i < count; ++i) {
    const std::string name = names[i];
    std::free(names[i]);  // NOLINT: sd_listen_fds_with_names() allocates with malloc()
    const int socket = SD_LISTEN_FDS_START + i;
    if (name == "coredump") {
      listeners.core_dumps = adopt(socket, SOCK_STREAM, "coredump");
    } else if (name == "shim") {
      listeners.shim = adopt(socket, SOCK_SEQPACKET, "shim");
    } else if (name == "modprobe") {
      listeners.modules = adopt(socket, SOCK_SEQPACKET, "modprobe");
    } else if (name == "helper") {
      listeners.helpers = adopt(socket, SOCK_SEQPACKET, "helper");
    } else if (name == "control") {
      listeners.control = adopt(socket, SOCK_SEQPACKET, "control");
    } else if (name == "uevent") {
      listeners.uevents = UniqueFd{socket};
    } else {
      throw std::runtime_error{"the service manager passed a socket named '" + name +
                               "'; the names known are 'coredump', 'shim', 'modprobe', 'helper', "
                               "'control' and 'uevent'"};
    }
  }
  std::free(names);  // NOLINT: as above
}

}  // namespace

Listeners open_listeners(const std::string& directory, std::size_t uevent_buffer) {
  Listeners listeners;
  adopt_inherited(listeners);
  if (!listeners.core_dumps.socket) {
    listeners.core_dumps = make(directory + "/coredump.socket", SOCK_STREAM);
  }
  if (!listeners.shim.socket) listeners.shim = make(directory + "/shim.socket", SOCK_SEQPACKET);
  if (!listeners.control.socket) {
    listeners.control = make(directory + "/control.socket", SOCK_SEQPACKET);
  }
  if (listeners.uevents) {
    or_throw(kernel::set_up_uevent_socket(listeners.uevents.get(), uevent_buffer));
  } else {
    listeners.uevents = or_throw(kernel::open_uevent_socket(uevent_buffer));
  }
  return listeners;
}

void open_module_listener(Listeners& listeners, const std::string& directory) {
  if (!listeners.modules.socket)
    listeners.modules = make(directory + "/modprobe.socket", SOCK_SEQPACKET);
}

void set_up_helper_listener(Listeners& listeners, const std::string& directory, bool needed) {
  auto& helpers = listeners.helpers;
  if (!needed) {
    // Its name goes as well: whoever passed it holds it still, and a queue that nobody serves.
    if (helpers.socket && !helpers.path.empty()) (void)::unlink(helpers.path.c_str());
    helpers = {};
  } else if (!helpers.socket) {
    helpers = make(directory + "/helper.socket", SOCK_SEQPACKET);
  } else if (!helpers.path.empty() && ::access(helpers.path.c_str(), F_OK) != 0) {
    helpers = make(helpers.path, SOCK_SEQPACKET);  // an earlier start took its name
  }
}

void remove_listeners(const Listeners& listeners) {
  for (const auto* listener : {&listeners.core_dumps, &listeners.shim, &listeners.modules,
                               &listeners.helpers, &listeners.control}) {
    if (!listener->socket || listener->inherited) continue;
    if (inode_of(listener->path) == listener->inode) (void)::unlink(listener->path.c_str());
  }
}

}  // namespace upcall::daemon
