// SPDX-License-Identifier: Apache-2.0
#include "launcher/records.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <span>
#include <string>

#include "base/broken.h"
#include "base/memfd.h"
#include "kernel/directory.h"
#include "kernel/inotify.h"
#include "launcher/stranger.h"

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

// What a runtime writes before anything that is somebody else's choice, but for blanks. So no text
// in a record, be it a label's, can stand where this is looked for.
std::string head_of(wire::InitHead head, std::string_view name, pid_t pid,
                    std::uint64_t start_time) {
  const auto number = std::to_string(pid);
  const auto start = std::to_string(start_time);
  // crun 1.8 and later, src/libcrun/status.c; runc 1.0 and later, libcontainer/container.go.
  if (head == wire::InitHead::crun)
    return R"({"pid":)" + number + R"(,"process-start-time":)" + start + ",";
  return R"({"id":")" + std::string{name} + R"(","init_process_pid":)" + number +
         R"(,"init_process_start":)" + start + ",";
}

// Names that JSON has to escape are none of runc's, nor are blanks.
bool is_plain(std::string_view name) {
  return std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view{"_+-."}.find(c) != std::string_view::npos;
  });
}

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

// Whether `bytes` begin with `text`, in which there are no blanks, whatever blanks are in between.
bool begins_with(std::string_view bytes, std::string_view text) {
  for (; !text.empty() && !bytes.empty(); bytes.remove_prefix(1)) {
    if (is_blank(bytes.front())) continue;
    if (bytes.front() != text.front()) return false;
    text.remove_prefix(1);
  }
  return text.empty();
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
  auto changes = kernel::make_inotify(choose_stranger());
  if (!changes) return changes.error();
  // By its descriptor: the path may be another directory's by now.
  const auto path = "/proc/self/fd/" + std::to_string(directory->get());
  if (::inotify_add_watch(changes->get(), path.c_str(), kComingAndGoing) < 0)
    return from_errno("watch a state directory");
  auto names = name_entries(directory->get());
  if (!names) return names.error();
  return WatchedDirectory{.entries = *std::move(names), .changes = *std::move(changes)};
}

Result<Records::Opened> Records::open_file(std::uint32_t index, std::uint32_t file,
                                           std::string_view name) const {
  if (index >= directories_.size()) return from_errno("find a state directory", EINVAL);
  const auto files = wire::record_files(directories_[index].kind);
  if (file >= files.size() || !is_component(name)) return from_errno("name a record", EINVAL);
  const auto& wanted = files[file];
  auto directory = open_state_directory(wanted.directory.empty() ? directories_[index].path
                                                                 : std::string{wanted.directory});
  if (!directory) return directory.error();
  auto path = std::string{name};
  if (!wanted.name.empty()) {
    directory = open_at(directory->get(), path, O_PATH | O_DIRECTORY, RESOLVE_BENEATH);
    if (!directory) return directory.error();
    const bool managers = !wanted.directory.empty();  // and whose directory that is, its affair
    if (const auto info = look_at(directory->get(), S_IFDIR); !info && !managers)
      return info.error();
    path = wanted.name;
  }
  // Not a FIFO's other end nor a device is waited for.
  auto record = open_at(directory->get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY, RESOLVE_BENEATH);
  if (!record) return record.error();
  const auto info = look_at(record->get(), S_IFREG);
  if (!info) return info.error();
  return Opened{
      .fd = *std::move(record), .file = wanted, .size = static_cast<std::size_t>(info->st_size)};
}

Result<UniqueFd> Records::open_record(std::uint32_t index, std::uint32_t file,
                                      std::string_view name) const {
  const auto record = open_file(index, file, name);
  if (!record) return record.error();
  if (record->size > kLargestRecord) return from_errno("use a record of this size", EFBIG);
  const auto bytes = read_all(record->fd.get());
  if (!bytes) return bytes.error();
  return make_sealed_memfd("record", std::as_bytes(std::span{*bytes}));
}

Result<Ok> Records::check_init(std::uint32_t index, std::uint32_t file, std::string_view name,
                               pid_t pid, std::uint64_t start_time) const {
  const char* doing = "find a container's init in its record";
  const auto record = open_file(index, file, name);
  if (!record) return record.error();
  if (record->file.head == wire::InitHead::none || !is_plain(name))
    return from_errno(doing, EINVAL);
  // Longer than any head with its blanks.
  std::array<char, 1024> bytes{};
  const ssize_t n = ::pread(record->fd.get(), bytes.data(), bytes.size(), 0);
  if (n < 0) return from_errno("read a record");
  const std::string_view read{bytes.data(), static_cast<std::size_t>(n)};
  const auto head = head_of(record->file.head, name, pid, start_time);
  if (!broken::kRecord && !begins_with(read, head)) return from_errno(doing, EPERM);
  return Ok{};
}

}  // namespace upcall::launcher
