// SPDX-License-Identifier: Apache-2.0
#include "launcher/birth.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/text.h"

namespace upcall::launcher {
namespace {

constexpr std::size_t kMaps = std::size_t{64} * 1024;  // some thirty lines of a hundred bytes each

// Takes pieces off the front of a block. Without a block it only counts.
class Room {
 public:
  explicit Room(std::byte* start) : at_{start} {}
  [[nodiscard]] std::size_t used() const { return used_; }

  std::byte* take(std::size_t size, std::size_t alignment) {
    used_ = (used_ + alignment - 1) / alignment * alignment;
    auto* const piece = at_ == nullptr ? nullptr : at_ + used_;
    used_ += size;
    return piece;
  }
  char* copy(const char* text) {
    const std::size_t size = std::strlen(text) + 1;
    auto* const piece = reinterpret_cast<char*>(take(size, 1));
    if (piece != nullptr) std::memcpy(piece, text, size);
    return piece;
  }
  char** copy(char* const* texts) {
    std::size_t count = 0;
    while (texts[count] != nullptr) ++count;
    auto** const piece =
        reinterpret_cast<char**>(take((count + 1) * sizeof(char*), alignof(char*)));
    for (std::size_t i = 0; i < count; ++i) {
      auto* const text = copy(texts[i]);
      if (piece != nullptr) piece[i] = text;
    }
    return piece;  // fresh memory: the last one is null already
  }

 private:
  std::byte* at_;
  std::size_t used_{};
};

Birth* copy(const Birth& birth, Room& room) {
  constexpr std::size_t kStackAlignment = 16;
  auto* const place = room.take(sizeof(Birth), alignof(Birth));
  const Birth copied{.executable = birth.executable,
                     .path = room.copy(birth.path),
                     .argv = room.copy(birth.argv),
                     .envp = room.copy(birth.envp),
                     .stack = {room.take(birth.stack.size(), kStackAlignment), birth.stack.size()}};
  return place == nullptr ? nullptr : new (place) Birth{copied};
}

std::string_view read_maps(std::span<char> buffer) {
  const int fd = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::size_t size = 0;
  ssize_t n = 0;
  do {
    n = ::read(fd, buffer.data() + size, buffer.size() - size);
    if (n > 0) size += static_cast<std::size_t>(n);
  } while (n > 0);
  ::close(fd);
  errno = n < 0 ? errno : E2BIG;
  return n == 0 && size < buffer.size() ? std::string_view{buffer.data(), size}
                                        : std::string_view{};
}

// "55d0-55f1 rw-p 00000000 00:00 0   [heap]": the heap, stacks, and whatever else is no file's. Of
// the program's file only its constants' initial values remain, and what its loader made of them.
bool wipe_in_child(std::string_view line) {
  const auto start = parse_integer<std::uintptr_t>(take_until(line, '-'), 16);
  const auto end = parse_integer<std::uintptr_t>(take_word(line), 16);
  const auto rights = take_word(line);
  static_cast<void>(take_word(line));  // offset
  static_cast<void>(take_word(line));  // device
  if (!rights.starts_with("rw-p") || take_word(line) != "0") return true;
  return start && end && ::syscall(SYS_madvise, *start, *end - *start, MADV_WIPEONFORK) == 0;
}

}  // namespace

const Birth* hide_all_but(const Birth& birth) noexcept {
  static std::array<char, kMaps> buffer;
  Room needed{nullptr};
  static_cast<void>(copy(birth, needed));
  void* const block =
      ::mmap(nullptr, needed.used(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return nullptr;
  Room room{static_cast<std::byte*>(block)};
  const Birth* const copied = copy(birth, room);
  auto maps = read_maps(buffer);
  if (maps.empty()) return nullptr;
  while (!maps.empty()) {
    if (!wipe_in_child(take_until(maps, '\n'))) return nullptr;
  }
  // The kernel may show it as one with its neighbour, so that it was marked like all others.
  return ::madvise(block, needed.used(), MADV_KEEPONFORK) == 0 ? copied : nullptr;
}

}  // namespace upcall::launcher
