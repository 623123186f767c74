// SPDX-License-Identifier: Apache-2.0
#include "kernel/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <span>

#include "base/unique_fd.h"

namespace upcall::kernel {
namespace {

constexpr std::uint32_t kWent = IN_DELETE | IN_MOVED_FROM;
constexpr std::uint32_t kGone = IN_DELETE_SELF | IN_IGNORED | IN_UNMOUNT;

void note(DirectoryChanges& out, const inotify_event& event, std::string_view name) {
  out.overrun = out.overrun || (event.mask & IN_Q_OVERFLOW) != 0;
  out.gone = out.gone || (event.mask & kGone) != 0;
  if (!name.empty())
    out.changes.push_back({.entry = std::string{name}, .came = (event.mask & kWent) == 0});
}

void parse(DirectoryChanges& out, std::span<const char> bytes) {
  inotify_event event{};
  while (bytes.size() >= sizeof event) {
    std::memcpy(&event, bytes.data(), sizeof event);
    bytes = bytes.subspan(sizeof event);
    if (event.len > bytes.size()) return;
    note(out, event, {bytes.data(), ::strnlen(bytes.data(), event.len)});
    bytes = bytes.subspan(event.len);
  }
}

}  // namespace

Result<std::vector<std::string>> list_entries(int directory) {
  UniqueFd copy{::fcntl(directory, F_DUPFD_CLOEXEC, 0)};
  if (!copy) return from_errno("list a directory");
  const auto close = [](DIR* stream) { ::closedir(stream); };
  const std::unique_ptr<DIR, decltype(close)> stream{::fdopendir(copy.get()), close};
  if (!stream) return from_errno("list a directory");
  (void)copy.release();  // the stream owns it now
  ::rewinddir(stream.get());
  std::vector<std::string> entries;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name{static_cast<const char*>(entry->d_name)};
    if (name != "." && name != "..") entries.emplace_back(name);
  }
  return entries;
}

Result<std::optional<DirectoryChanges>> read_changes(int inotify) {
  constexpr std::size_t kBatch = std::size_t{16} * 1024;
  std::array<char, kBatch> buffer{};
  const ssize_t n = ::read(inotify, buffer.data(), buffer.size());
  if (n < 0 && errno == EAGAIN) return std::optional<DirectoryChanges>{};
  if (n < 0) return from_errno("read what changed in a directory");
  DirectoryChanges changes;
  parse(changes, std::span{buffer}.first(static_cast<std::size_t>(n)));
  return std::optional{std::move(changes)};
}

}  // namespace upcall::kernel
