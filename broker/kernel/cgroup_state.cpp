// SPDX-License-Identifier: Apache-2.0
#include "kernel/cgroup_state.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "base/text.h"
#include "kernel/read_file.h"

namespace upcall::kernel {
namespace {

// The value of a flat keyed file.
std::optional<std::string_view> value_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    auto line = take_until(text, '\n');
    if (take_until(line, ' ') == key) return line;
  }
  return {};
}

// An empty path is the directory itself only for calls that have a flag for that.
const char* path_of(const std::string& directory) {
  return directory.empty() ? "." : directory.c_str();
}

}  // namespace

std::optional<bool> parse_populated(std::string_view events) {
  const auto value = value_of(events, "populated");
  if (value != "0" && value != "1") return {};
  return value == "1";
}

std::uint64_t parse_cpu_time(std::string_view cpu_stat) {
  const auto value = value_of(cpu_stat, "usage_usec");
  return value ? parse_integer<std::uint64_t>(*value).value_or(0) : 0;
}

Result<UniqueFd> open_cgroup_directory(int root, const std::string& directory) {
  UniqueFd fd{::openat(root, path_of(directory), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) return from_errno("open the cgroup '" + printable(directory) + "'");
  return fd;
}

Result<uid_t> cgroup_owner(int directory) {
  struct stat status {};
  if (::fstat(directory, &status) != 0) return from_errno("look at a cgroup");
  return status.st_uid;
}

Result<UniqueFd> open_cgroup_events(int directory) {
  UniqueFd fd{::openat(directory, "cgroup.events", O_RDONLY | O_CLOEXEC)};
  if (!fd) return from_errno("open a cgroup's cgroup.events");
  return fd;
}

Result<bool> read_populated(int events) {
  std::array<char, 256> text{};
  const ssize_t n = ::pread(events, text.data(), text.size(), 0);
  if (n < 0) return from_errno("read a cgroup's cgroup.events");
  const auto populated = parse_populated({text.data(), static_cast<std::size_t>(n)});
  if (!populated) return from_errno("understand a cgroup's cgroup.events", EBADMSG);
  return *populated;
}

std::uint64_t read_cpu_time(int directory) {
  const UniqueFd fd{::openat(directory, "cpu.stat", O_RDONLY | O_CLOEXEC)};
  if (!fd) return 0;
  const auto text = read_all(fd.get(), "cpu.stat");
  return text ? parse_cpu_time(*text) : 0;
}

Result<int> watch_descriptor(int inotify, const std::string& descriptors, int fd,
                             std::uint32_t mask) {
  const auto path = descriptors + "/" + std::to_string(fd);
  const int watch = ::inotify_add_watch(inotify, path.c_str(), mask);
  if (watch < 0 && errno == ENOSPC)
    return from_errno("watch a cgroup: more than fs.inotify.max_user_watches", ENOSPC);
  if (watch < 0) return from_errno("watch a cgroup");
  return watch;
}

}  // namespace upcall::kernel
