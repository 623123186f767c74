// SPDX-License-Identifier: Apache-2.0
#include "core/sink_zstd.h"

#include <unistd.h>
#include <zstd.h>

#include "core/sparse.h"

namespace upcall::core {
namespace {

constexpr std::size_t kChunk = 1 << 20;

}  // namespace

ZstdSink::ZstdSink(int fd, const Space& space, int level, unsigned workers)
    : fd_{fd}, space_{space}, level_{level}, workers_(workers) {}

ZstdSink::~ZstdSink() {
  for (const auto& worker : workers_) ::ZSTD_freeCCtx(worker.context);
}

Shape ZstdSink::shape() const {
  return {.small_chunk = kChunk,
          .big_chunk = kChunk,
          .workers = static_cast<unsigned>(workers_.size())};
}

Result<Stored> ZstdSink::store(const Chunk& chunk, unsigned worker) {
  const bool zeros = is_zero(chunk.bytes);
  const auto frame = frame_of(chunk.bytes, zeros, workers_[worker]);
  std::unique_lock lock{mutex_};
  // Never waits for ever: chunks are handed out in order, so somebody is at work on the one before,
  // and each takes its turn even when it has nothing to write.
  turn_came_.wait(lock, [&] { return turn_ == chunk.sequence; });
  auto stored = append(frame, chunk, zeros);
  ++turn_;
  turn_came_.notify_all();
  return stored;
}

Result<ZstdSink::Frame> ZstdSink::frame_of(std::span<const std::byte> bytes, bool zeros,
                                           Worker& worker) {
  if (!zeros || bytes.size() != kChunk) return compress(bytes, worker);
  if (worker.frame_of_zeros.empty()) {
    const auto frame = compress(bytes, worker);
    if (!frame) return frame;
    worker.frame_of_zeros.assign(frame->begin(), frame->end());
  }
  return Frame{worker.frame_of_zeros};
}

Result<ZstdSink::Frame> ZstdSink::compress(std::span<const std::byte> bytes, Worker& worker) const {
  if (worker.context == nullptr) worker.context = ::ZSTD_createCCtx();
  if (worker.context == nullptr) return from_errno("compress the core", ENOMEM);
  if (const auto bound = ::ZSTD_compressBound(bytes.size()); worker.frame_room < bound) {
    // NOLINTNEXTLINE(*-avoid-c-arrays): see Worker::frame
    worker.frame = std::make_unique_for_overwrite<std::byte[]>(bound);
    worker.frame_room = bound;
  }
  const std::size_t size = ::ZSTD_compressCCtx(
      worker.context, worker.frame.get(), worker.frame_room, bytes.data(), bytes.size(), level_);
  // With room for the worst case there is nothing else that it could lack.
  if (::ZSTD_isError(size) != 0) return from_errno("compress the core", ENOMEM);
  return Frame{worker.frame.get(), size};
}

Result<Stored> ZstdSink::append(const Result<Frame>& frame, const Chunk& chunk, bool zeros) {
  if (stopped_) return Stored::no_room;
  Result<Stored> stored = Stored::no_room;
  if (!frame) {
    stored = frame.error();
  } else if (space_.allows(frame->size())) {
    stored = write_at(fd_, *frame, totals_.file);
  }
  stopped_ = !stored || *stored == Stored::no_room;
  if (stopped_) return stored;
  totals_.file += frame->size();
  totals_.core += chunk.bytes.size();
  if (zeros) totals_.holes += chunk.bytes.size();
  return stored;
}

Result<Totals> ZstdSink::finish() {
  // Cuts the part of a frame that a failed write has left.
  if (stopped_ && ::ftruncate(fd_, static_cast<off_t>(totals_.file)) != 0)
    return from_errno("set the core's size");
  return totals_;
}

}  // namespace upcall::core
