// SPDX-License-Identifier: Apache-2.0
#include "kernel/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "kernel/inotify.h"

namespace upcall::kernel {
namespace {

constexpr std::uint32_t kWent = IN_DELETE | IN_MOVED_FROM;
constexpr std::uint32_t kGone = IN_DELETE_SELF | IN_IGNORED | IN_UNMOUNT;

void note(DirectoryChanges& out, InotifyEvent event) {
  out.overrun = out.overrun || (event.mask & IN_Q_OVERFLOW) != 0;
  out.gone = out.gone || (event.mask & kGone) != 0;
  if (!event.name.empty())
    out.changes.push_back({.entry = std::move(event.name), .came = (event.mask & kWent) == 0});
}

// Those that `wanted` accepts by their struct dirent.
template <class Wanted>
Result<std::vector<std::string>> list(int directory, Wanted wanted) {
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
    if (name != "." && name != ".." && wanted(*entry)) entries.emplace_back(name);
  }
  return entries;
}

}  // namespace

Result<std::vector<std::string>> list_entries(int directory) {
  return list(directory, [](const dirent&) { return true; });
}

Result<std::vector<std::string>> list_directories(int directory) {
  return list(directory, [](const dirent& entry) { return entry.d_type == DT_DIR; });
}

Result<std::optional<DirectoryChanges>> read_changes(int inotify) {
  auto read = read_inotify(inotify);
  if (!read) return read.error();
  auto events = *std::move(read);
  if (!events) return std::optional<DirectoryChanges>{};
  DirectoryChanges changes;
  for (auto& event : *events) note(changes, std::move(event));
  return std::optional{std::move(changes)};
}

}  // namespace upcall::kernel
