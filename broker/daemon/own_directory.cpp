// SPDX-License-Identifier: Apache-2.0
#include "daemon/own_directory.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <optional>
#include <stdexcept>

#include "base/limits.h"
#include "base/log.h"
#include "base/result.h"
#include "base/text.h"
#include "kernel/pidfd.h"
#include "kernel/process_lock.h"
#include "wire/supervisor.h"

namespace upcall::daemon {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw std::runtime_error{"'" + printable(path) + "' " + why};
}

// Whoever else can write there can put other sockets, and other settings to go back to, in our
// place.
void check_directory(const std::string& path, const std::string& option) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    throw std::system_error{errno, std::system_category(), "cannot look at '" + path + "'"};
  if (!S_ISDIR(status.st_mode))
    refuse(path, "is no directory: remove it, or name another with " + option);
  if (status.st_uid != 0)
    refuse(path, "belongs to uid " + std::to_string(status.st_uid) +
                     " and not to root: chown root '" + printable(path) + "'");
  // A sticky one, such as /tmp, is for all to write.
  const bool for_all = (status.st_mode & S_ISVTX) != 0;
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    refuse(path,
           "can be written by others than root: " +
               (for_all ? "name another with " + option : "chmod go-w '" + printable(path) + "'"));
}

std::string make_directory(const std::string& path, const std::string& option) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    const int cause = errno;
    const char* remedy = cause == ENOENT ? "; make the directory above it, or name another with "
                                         : "; name another with ";
    throw std::system_error{cause, std::system_category(),
                            "cannot make directory '" + path + "'" + remedy + option};
  }
  check_directory(path, option);
  std::array<char, PATH_MAX> real{};
  if (::realpath(path.c_str(), real.data()) == nullptr) {
    throw std::system_error{errno, std::system_category(), "cannot resolve '" + path + "'"};
  }
  return real.data();
}

std::string numbered(pid_t pid) {
  return pid > 0 ? " (pid " + std::to_string(pid) + ")" : std::string{};
}

void wait_for_end(pid_t pid) {
  const auto pidfd = kernel::open_pidfd(pid);
  if (!pidfd) return;  // it has ended
  pollfd ended{.fd = pidfd->get(), .events = POLLIN};
  constexpr int kMilliseconds = std::chrono::milliseconds{limits::kFormerLauncher}.count();
  (void)::poll(&ended, 1, kMilliseconds);
}

void wait_for_former_launcher(int lock, const std::string& path) {
  const auto holder = or_throw(kernel::lock_holder(lock, wire::kLauncherLock));
  if (!holder) return;
  log::info("waiting for the launcher" + numbered(*holder) +
            " of an upcalld that died to put its settings back");
  if (*holder > 0) wait_for_end(*holder);
  if (!or_throw(kernel::lock_holder(lock, wire::kLauncherLock))) return;
  throw std::runtime_error{"the launcher" + numbered(*holder) +
                           " of an upcalld that died still has '" + printable(path) +
                           "', and would undo what this one sets: end it, then start again"};
}

}  // namespace

OwnDirectory take_directory(const std::string& path, const std::string& option) {
  OwnDirectory directory{.path = make_directory(path, option), .lock = {}};
  const auto file = directory.path + "/lock";
  // Stays when we go: who unlinks it would leave two with a lock each.
  directory.lock = UniqueFd{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!directory.lock)
    throw std::system_error{errno, std::system_category(), "cannot open '" + file + "'"};
  if (const auto other = or_throw(kernel::take_lock(directory.lock.get(), wire::kUpcalldLock))) {
    throw std::runtime_error{"upcalld already runs" + numbered(*other) + " with '" +
                             printable(directory.path) +
                             "', or is about to end: stop it and wait for its end, or give this "
                             "one a " +
                             option + " of its own"};
  }
  wait_for_former_launcher(directory.lock.get(), directory.path);
  return directory;
}

}  // namespace upcall::daemon
