// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sink.h"
#include "core/space.h"

namespace upcall::core {

// The core as it is, in a sparse file: zero pages are left out.
class FileSink final : public Sink {
 public:
  // `fd` is an empty file and outlives this, as does `space`.
  FileSink(int fd, const Space& space) : fd_{fd}, space_{space} {}

  [[nodiscard]] Shape shape() const override;
  [[nodiscard]] std::string_view extension() const override { return ""; }
  void expect_bulk() override;
  [[nodiscard]] Result<Stored> store(const Chunk& chunk, unsigned worker) override;
  [[nodiscard]] Result<Totals> finish() override;

 private:
  [[nodiscard]] Result<Stored> write_run(std::span<const std::byte> run, std::uint64_t offset);
  [[nodiscard]] Result<Stored> write_past_cache(std::span<const std::byte> run,
                                                std::uint64_t offset);
  void bypass_cache(bool bypass);

  int fd_;
  const Space& space_;
  bool direct_{false};
  bool stopped_{false};
  std::uint64_t written_to_{0};  // where the last data ends
  Totals totals_;
};

}  // namespace upcall::core
