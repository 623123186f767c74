// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "core/sink.h"
#include "core/space.h"

struct ZSTD_CCtx_s;

namespace upcall::core {

// A .zst file of independent frames: one for each chunk, compressed at the same time and written in
// order. Any zstd reads it as one stream; at this size of a frame the ratio is that of one stream,
// too.
class ZstdSink final : public Sink {
 public:
  // `fd` is an empty file and outlives this, as does `space`.
  ZstdSink(int fd, const Space& space, int level, unsigned workers);
  ZstdSink(const ZstdSink&) = delete;
  ZstdSink& operator=(const ZstdSink&) = delete;
  ~ZstdSink() override;

  [[nodiscard]] Shape shape() const override;
  [[nodiscard]] std::string_view extension() const override { return ".zst"; }
  [[nodiscard]] Result<Stored> store(const Chunk& chunk, unsigned worker) override;
  [[nodiscard]] Result<Totals> finish() override;

 private:
  // What one thread compresses with; all of it made when first needed.
  struct Worker {
    ZSTD_CCtx_s* context{};
    // NOLINTNEXTLINE(*-avoid-c-arrays): only what is used of it is ever touched
    std::unique_ptr<std::byte[]> frame;
    std::size_t frame_room{0};
    std::vector<std::byte> frame_of_zeros;  // of a whole chunk
  };
  using Frame = std::span<const std::byte>;

  [[nodiscard]] Result<Frame> frame_of(std::span<const std::byte> bytes, bool zeros,
                                       Worker& worker);
  [[nodiscard]] Result<Frame> compress(std::span<const std::byte> bytes, Worker& worker) const;
  [[nodiscard]] Result<Stored> append(const Result<Frame>& frame, const Chunk& chunk, bool zeros);

  int fd_;
  const Space& space_;
  int level_;
  std::vector<Worker> workers_;

  std::mutex mutex_;  // guards the rest
  std::condition_variable turn_came_;
  std::uint64_t turn_{0};  // the sequence number of the chunk to be written next
  bool stopped_{false};
  Totals totals_;
};

}  // namespace upcall::core
