// SPDX-License-Identifier: Apache-2.0
// Where a core's bytes go to: chunk by chunk, in one of the forms that a core can be stored in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

namespace upcall::core {

struct Chunk {
  std::uint64_t sequence{};
  std::uint64_t offset{};  // in the core
  std::span<const std::byte> bytes;
};

enum class Stored : std::uint8_t { yes, no_room };

// What is in the file when it has been finished.
struct Totals {
  std::uint64_t core{};   // bytes of the core that can be had back
  std::uint64_t file{};   // bytes that were written for them
  std::uint64_t holes{};  // bytes of the core that were zeros and cost nothing
};

// How a sink wants to be fed. Until a core turns out to be big it is stored by the thread that
// reads it, in chunks small enough to stay in the processor's cache; after that by `workers`
// threads.
struct Shape {
  std::size_t small_chunk{};
  std::size_t big_chunk{};
  unsigned workers{};
};

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  Sink(Sink&&) = delete;
  Sink& operator=(Sink&&) = delete;
  virtual ~Sink() = default;

  [[nodiscard]] virtual Shape shape() const = 0;
  [[nodiscard]] virtual std::string_view extension() const = 0;

  // The core is big: from here on `workers` threads call store(). Chunks are handed out in order,
  // and each worker (a number below Shape::workers) has one at a time.
  virtual void expect_bulk() {}
  // After the first failure or no_room it stores nothing, so what is stored has no gaps.
  [[nodiscard]] virtual Result<Stored> store(const Chunk& chunk, unsigned worker) = 0;
  // Once, when all store() calls have returned.
  [[nodiscard]] virtual Result<Totals> finish() = 0;
};

// Writes all of it, or says that there is no room: a full disk, a quota, a limit on file sizes.
[[nodiscard]] Result<Stored> write_at(int fd, std::span<const std::byte> bytes,
                                      std::uint64_t offset);

}  // namespace upcall::core
