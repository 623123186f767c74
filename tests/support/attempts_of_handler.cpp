// SPDX-License-Identifier: Apache-2.0
// What a handler can do that belongs to the attacker, who may put any program where the policy's
// is.
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "attempts.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "json.h"
#include "kernel/uapi_pidfd.h"
#include "look.h"

namespace upcall::testing {
namespace {

constexpr int kPeerPidfd = 77;  // SO_PEERPIDFD, Linux 6.5

// A socket's other end was made by somebody, and the kernel gives a pidfd of whoever that was.
std::string attempts_on_peer(int socket) {
  JsonObject out;
  int number = -1;
  socklen_t size = sizeof number;
  const auto got = getsockopt(socket, SOL_SOCKET, kPeerPidfd, &number, &size);
  out.add("pidfd", told(got));
  if (got != 0) return out.text();
  const UniqueFd peer{number};
  out.add("signal", told(syscall(SYS_pidfd_send_signal, peer.get(), SIGCONT, nullptr, 0)));
  for (int fd = 0; fd < 4; ++fd) {
    const UniqueFd taken{static_cast<int>(syscall(SYS_pidfd_getfd, peer.get(), fd, 0))};
    out.add("pidfd_getfd " + std::to_string(fd), told(taken.get()));
  }
  out.add("enter its namespaces", told(setns(peer.get(), CLONE_NEWUTS | CLONE_NEWNET)));
  const UniqueFd mounts{ioctl(peer.get(), uapi::kPidfdGetMntNamespace, 0)};
  out.add("open its mount namespace", told(mounts.get()));
  return out.text();
}

std::string kind_of(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return told(-1);
  if (S_ISSOCK(status.st_mode)) return "socket";
  return S_ISDIR(status.st_mode) ? "directory" : "other";
}

std::string open_device(const std::string& numbers) {
  std::string_view rest{numbers};
  const auto major_number = parse_integer<unsigned>(take_until(rest, ':'));
  const auto minor_number = parse_integer<unsigned>(rest);
  if (!major_number || !minor_number) return "EINVAL";
  // The root, since /tmp has no devices.
  const std::string path = "/attack.device";
  if (mknod(path.c_str(), S_IFCHR | 0600, makedev(*major_number, *minor_number)) != 0)
    return told(-1);
  const UniqueFd fd{open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  const auto result = told(fd.get());
  unlink(path.c_str());
  return result;
}

}  // namespace

std::string attempts_of_handler(const std::string& device) {
  JsonObject descriptors;
  JsonObject out;
  for (const int fd : descriptors_of("/proc/self")) {
    JsonObject one;
    const auto path = "/proc/self/fd/" + std::to_string(fd);
    one.add("kind", kind_of(fd));
    const UniqueFd again{open(path.c_str(), O_RDWR | O_CLOEXEC)};
    one.add("reopen", told(again.get()));
    const UniqueFd above{openat(fd, "..", O_PATH | O_CLOEXEC)};
    one.add("open what is above it", told(above.get()));
    one.add_json("peer", attempts_on_peer(fd));
    descriptors.add_json(std::to_string(fd), one.text());
  }
  out.add_json("descriptors", descriptors.text());
  out.add("key", search_key("upcall-secret"));
  // All authorities to answer key requests come to the parent's.
  out.add("rekey the parent", told(syscall(SYS_keyctl, KEYCTL_SESSION_TO_PARENT)));
  if (!device.empty()) {
    out.add("open the device", open_device(device));
    return out.text();
  }
  // Whoever is in our process group hears it; we do not.
  static_cast<void>(signal(SIGTERM, SIG_IGN));
  out.add("signal the group", told(kill(0, SIGTERM)));
  return out.text();
}

}  // namespace upcall::testing
