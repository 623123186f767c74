// SPDX-License-Identifier: Apache-2.0
// One page of a trace ring buffer, as trace_pipe_raw gives it (include/linux/ring_buffer.h): a head
// with the time at its start, and events, each with the time since the one before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "kernel/trace_layout.h"

namespace upcall::kernel {

struct TraceEvent {
  std::uint64_t time{};  // nanoseconds of the instance's clock
  std::span<const std::byte> bytes;
};

struct TracePage {
  bool missed{};  // events before this page have been overwritten
  bool whole{};   // nothing in it contradicts itself
};

// Tells `take` each event in its order. What comes before a contradiction is told.
TracePage read_trace_page(const TraceLayout& layout, std::span<const std::byte> page,
                          const std::function<void(const TraceEvent&)>& take);

// The number in a field of 1, 2, 4 or 8 bytes; 0 where `bytes` do not reach so far.
[[nodiscard]] std::uint64_t read_field(std::span<const std::byte> bytes, const TraceField& field);

}  // namespace upcall::kernel
