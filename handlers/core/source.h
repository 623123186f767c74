// SPDX-License-Identifier: Apache-2.0
// Where a core's bytes come from. This is the boundary behind which the kernel's stream may one day
// be replaced by reading the process's memory: nobody beyond it knows how the bytes were had.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "base/result.h"

namespace upcall::core {

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  Source(Source&&) = delete;
  Source& operator=(Source&&) = delete;
  virtual ~Source() = default;

  // The next logical bytes of the core: all of `buffer`, or fewer only when there are no more.
  [[nodiscard]] virtual std::size_t fill(std::span<std::byte> buffer) = 0;

  // Why there were no more, when that was not the proper end.
  [[nodiscard]] virtual const std::optional<Error>& failure() const = 0;
};

// The kernel's own dump: a stream socket, or a pipe or a file, which outlives this.
class StreamSource final : public Source {
 public:
  explicit StreamSource(int stream) : stream_{stream} {}

  [[nodiscard]] std::size_t fill(std::span<std::byte> buffer) override;
  [[nodiscard]] const std::optional<Error>& failure() const override { return failure_; }

 private:
  int stream_;
  std::optional<Error> failure_;
};

}  // namespace upcall::core
