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

  // Nothing more is read.
  virtual void let_go() {}
};

// The kernel's own dump: a stream socket, or a pipe or a file, which outlives this.
class StreamSource final : public Source {
 public:
  // `keeps`: until the stream is closed, and not only until it is let go.
  StreamSource(int stream, bool keeps) : stream_{stream}, keeps_{keeps} {}

  [[nodiscard]] std::size_t fill(std::span<std::byte> buffer) override;
  [[nodiscard]] const std::optional<Error>& failure() const override { return failure_; }
  void let_go() override;

 private:
  int stream_;
  bool keeps_;
  std::optional<Error> failure_;
};

}  // namespace upcall::core
