// SPDX-License-Identifier: Apache-2.0
#include "core/sparse.h"

#include <algorithm>
#include <cstring>

namespace upcall::core {
namespace {

std::span<const std::byte> block_at(std::span<const std::byte> bytes, std::size_t at) {
  return bytes.subspan(at, std::min(kBlock, bytes.size() - at));
}

}  // namespace

bool is_zero(std::span<const std::byte> bytes) {
  // Comparing the bytes with themselves one further on is the vectorised memcmp() of the C library
  // at its full speed, and it stops at the first difference, which data has near its start.
  return bytes.empty() || (bytes.front() == std::byte{} &&
                           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

std::optional<Run> next_data(std::span<const std::byte> bytes, std::size_t from,
                             std::size_t shortest_hole) {
  while (from < bytes.size() && is_zero(block_at(bytes, from))) from += kBlock;
  if (from >= bytes.size()) return {};
  Run run{.begin = from, .end = from};
  std::size_t zeros = 0;
  for (std::size_t at = from; at < bytes.size() && zeros < shortest_hole; at += kBlock) {
    const auto block = block_at(bytes, at);
    zeros = is_zero(block) ? zeros + block.size() : 0;
    if (zeros == 0) run.end = at + block.size();
  }
  return run;
}

}  // namespace upcall::core
