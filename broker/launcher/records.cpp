// SPDX-License-Identifier: Apache-2.0
#include "launcher/records.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <span>
#include <string>

#include "base/memfd.h"
#include "kernel/directory.h"

namespace upcall::launcher {
namespace {

constexpr std::size_t kLargestRecord = std::size_t{4} << 20;
constexpr mode_t kWritableByOthers = S_IWGRP | S_IWOTH;
constexpr std::uint32_t kComingAndGoing = IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE |
                                          IN_MOVED_FROM | IN_DELETE_SELF | IN_ONLYDIR;

Result<UniqueFd> open_at(int directory, const std::string& path, std::uint64_t flags,
                         std::uint64_t resolve) {
  const open_how how{.flags = flags | O_CLOEXEC,
                     .mode = 0,
                     .resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  UniqueFd fd{static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how))};
  if (!fd) return from_errno("open '" + path + "'");
  return fd;
}

// What anybody but root could have written says nothing about whose container it is.
Result<struct stat> look_at(int fd, mode_t type) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return from_errno("look at a record");
  if ((info.st_mode & S_IFMT) != type) return from_errno("use what is no record", EINVAL);
  if (info.st_uid != 0 || (info.st_mode & kWritableByOthers) != 0)
    return from_errno("trust a record that not only root can write", EPERM);
  return info;
}

Result<UniqueFd> open_state_directory(const std::string& path) {
  auto directory = open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
  if (!directory) return directory;
  if (const auto info = look_at(directory->get(), S_IFDIR); !info) return info.error();
  return directory;
}

// A file that grows meanwhile is cut: what reads it will not understand it, and try again.
Result<std::string> read_all(int fd) {
  std::string bytes;
  std::array<char, 16384> buffer{};
  while (bytes.size() < kLargestRecord) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0) return from_errno("read a record");
    if (n == 0) break;
    bytes.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return bytes;
}

Result<UniqueFd> name_entries(int directory) {
  const auto entries = kernel::list_entries(directory);
  if (!entries) return entries.error();
  std::string names;
  for (const auto& entry : *entries) names.append(entry).push_back('\0');
  return make_sealed_memfd("entries", std::as_bytes(std::span{names}));
}

bool is_component(std::string_view name) {
  return !name.empty() && name.size() <= NAME_MAX && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos;
}

}  // namespace

Result<WatchedDirectory> Records::open_directory(std::uint32_t index) const {
  if (index >= directories_.size()) return from_errno("find a state directory", EINVAL);
  auto directory = open_state_directory(directories_[index].path);
  if (!directory) return directory.error();
  UniqueFd changes{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  if (!changes) return from_errno("watch a state directory");
  // By its descriptor: the path may be another directory's by now.
  const auto path = "/proc/self/fd/" + std::to_string(directory->get());
  if (::inotify_add_watch(changes.get(), path.c_str(), kComingAndGoing) < 0)
    return from_errno("watch a state directory");
  auto names = name_entries(directory->get());
  if (!names) return names.error();
  return WatchedDirectory{.entries = *std::move(names), .changes = std::move(changes)};
}

Result<UniqueFd> Records::open_record(std::uint32_t index, std::uint32_t file,
                                      std::string_view name) const {
  if (index >= directories_.size()) return from_errno("find a state directory", EINVAL);
  const auto files = wire::record_files(directories_[index].kind);
  if (file >= files.size() || !is_component(name)) return from_errno("name a record", EINVAL);
  const auto& wanted = files[file];
  const auto directory = open_state_directory(
      wanted.directory.empty() ? directories_[index].path : std::string{wanted.directory});
  if (!directory) return directory.error();
  auto path = std::string{name};
  if (!wanted.name.empty()) path.append("/").append(wanted.name);
  // Not a FIFO's other end nor a device is waited for.
  auto record = open_at(directory->get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY, RESOLVE_BENEATH);
  if (!record) return record;
  const auto info = look_at(record->get(), S_IFREG);
  if (!info) return info.error();
  if (static_cast<std::size_t>(info->st_size) > kLargestRecord)
    return from_errno("use a record of this size", EFBIG);
  auto bytes = read_all(record->get());
  if (!bytes) return bytes.error();
  return make_sealed_memfd("record", std::as_bytes(std::span{*bytes}));
}

}  // namespace upcall::launcher
