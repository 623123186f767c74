// SPDX-License-Identifier: Apache-2.0
#include "kernel/trace_page.h"

#include <bit>
#include <cstring>
#include <optional>

namespace upcall::kernel {
namespace {

static_assert(std::endian::native == std::endian::little, "the head of an event is a bit field");

constexpr std::size_t kWord = 4;
// Types of an event, which otherwise is the number of words in it (RINGBUF_TYPE_*).
constexpr std::uint32_t kLong = 0;
constexpr std::uint32_t kPadding = 29;
constexpr std::uint32_t kTimeExtend = 30;
constexpr std::uint32_t kTimeStamp = 31;
constexpr std::uint32_t kTypeBits = 5;
constexpr std::uint32_t kDeltaBits = 27;

// Flags beside the number of bytes in a page (RB_MISSED_EVENTS, RB_MISSED_STORED).
constexpr std::uint64_t kMissed = std::uint64_t{1} << 31U;
constexpr std::uint64_t kCommitMask = (std::uint64_t{1} << 30U) - 1;

std::uint32_t word_at(std::span<const std::byte> bytes, std::size_t offset) {
  std::uint32_t word = 0;
  if (offset + sizeof word <= bytes.size()) std::memcpy(&word, bytes.data() + offset, sizeof word);
  return word;
}

class Events {
 public:
  Events(std::uint64_t start, std::span<const std::byte> bytes) : time_{start}, rest_{bytes} {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }

  // False for what cannot be. Without an event: it was about the time.
  bool next(std::optional<TraceEvent>& event) {
    if (rest_.size() < 2 * kWord) return false;
    const std::uint32_t head = word_at(rest_, 0);
    const std::uint32_t type = head & ((1U << kTypeBits) - 1);
    const std::uint64_t delta = head >> kTypeBits;
    const std::uint64_t second = word_at(rest_, kWord);
    switch (type) {
      case kPadding:
        // Without a delta it fills the page; else it was an event that was discarded.
        return skip(delta == 0 ? rest_.size() : kWord + second);
      case kTimeExtend:
        time_ += delta + (second << kDeltaBits);
        return skip(2 * kWord);
      case kTimeStamp:
        time_ = delta + (second << kDeltaBits);
        return skip(2 * kWord);
      case kLong:
        time_ += delta;
        return take(event, 2 * kWord, kWord + second);
      default:
        time_ += delta;
        return take(event, kWord, kWord + (type * kWord));
    }
  }

 private:
  bool skip(std::size_t size) {
    if (size < kWord || size > rest_.size()) return false;
    rest_ = rest_.subspan(size);
    return true;
  }

  bool take(std::optional<TraceEvent>& event, std::size_t head, std::size_t size) {
    if (size < head || size > rest_.size()) return false;
    event = TraceEvent{.time = time_, .bytes = rest_.subspan(head, size - head)};
    return skip(size);
  }

  std::uint64_t time_;
  std::span<const std::byte> rest_;
};

}  // namespace

std::uint64_t read_field(std::span<const std::byte> bytes, const TraceField& field) {
  std::uint64_t value = 0;
  const bool inside = field.size <= sizeof value && field.offset <= bytes.size() &&
                      field.size <= bytes.size() - field.offset;
  if (inside) std::memcpy(&value, bytes.data() + field.offset, field.size);
  return value;
}

TracePage read_trace_page(const TraceLayout& layout, std::span<const std::byte> page,
                          const std::function<void(const TraceEvent&)>& take) {
  const auto commit = read_field(page, layout.commit);
  const auto size = commit & kCommitMask;
  TracePage result{.missed = (commit & kMissed) != 0};
  if (page.size() < layout.data.offset || size > page.size() - layout.data.offset) return result;
  Events events{read_field(page, {.offset = 0, .size = sizeof(std::uint64_t)}),
                page.subspan(layout.data.offset, size)};
  while (!events.empty()) {
    std::optional<TraceEvent> event;
    if (!events.next(event)) return result;
    if (event) take(*event);
  }
  result.whole = true;
  return result;
}

}  // namespace upcall::kernel
