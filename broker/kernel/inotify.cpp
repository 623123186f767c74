// SPDX-License-Identifier: Apache-2.0
#include "kernel/inotify.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <span>

namespace upcall::kernel {
namespace {

std::vector<InotifyEvent> parse(std::span<const char> bytes) {
  std::vector<InotifyEvent> events;
  inotify_event event{};
  while (bytes.size() >= sizeof event) {
    std::memcpy(&event, bytes.data(), sizeof event);
    bytes = bytes.subspan(sizeof event);
    if (event.len > bytes.size()) break;
    events.push_back({.watch = event.wd,
                      .mask = event.mask,
                      .name = {bytes.data(), ::strnlen(bytes.data(), event.len)}});
    bytes = bytes.subspan(event.len);
  }
  return events;
}

}  // namespace

Result<UniqueFd> make_inotify(uid_t owner) {
  constexpr auto kSame = static_cast<uid_t>(-1);
  const uid_t own = ::geteuid();
  if (::setresuid(kSame, owner, kSame) != 0) return from_errno("become another user");
  UniqueFd inotify{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  const auto made = inotify ? Result<Ok>{Ok{}} : from_errno("make an inotify instance");
  // To go on as somebody else would be a fault in all that follows.
  if (::setresuid(kSame, own, kSame) != 0) std::abort();
  if (!made) return made.error();
  return inotify;
}

Result<std::optional<std::vector<InotifyEvent>>> read_inotify(int inotify) {
  constexpr std::size_t kBatch = 512;  // a dozen or two; the longest name needs 272
  std::array<char, kBatch> buffer{};
  const ssize_t n = ::read(inotify, buffer.data(), buffer.size());
  if (n < 0 && errno == EAGAIN) return std::optional<std::vector<InotifyEvent>>{};
  if (n < 0) return from_errno("read what changed in a directory");
  return std::optional{parse(std::span{buffer}.first(static_cast<std::size_t>(n)))};
}

}  // namespace upcall::kernel
