// SPDX-License-Identifier: Apache-2.0
#include "core/copy.h"

#include <algorithm>
#include <array>
#include <limits>

#include "core/elf_extent.h"
#include "core/pipeline.h"

namespace upcall::core {
namespace {

bool has_more(Source& source) {
  std::array<std::byte, 1> probe{};
  return source.fill(probe) != 0;
}

// Reads until the end, the limit, or until the sink has no room. Tells whether the limit cut it.
bool read_all(Source& source, Pipeline& pipeline, ElfExtent& extent, std::uint64_t max_size) {
  std::uint64_t left = max_size == 0 ? std::numeric_limits<std::uint64_t>::max() : max_size;
  for (;;) {
    auto buffer = pipeline.buffer();
    if (buffer.empty()) return false;
    buffer = buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left)));
    if (buffer.empty()) return has_more(source);
    const auto size = source.fill(buffer);
    extent.feed(buffer.first(size));
    pipeline.submit(size);
    left -= size;
    if (size < buffer.size()) return false;
  }
}

}  // namespace

Result<Copied> copy_core(Source& source, Sink& sink, std::uint64_t max_size) {
  ElfExtent extent;
  Pipeline pipeline{sink};
  const bool limited = read_all(source, pipeline, extent, max_size);
  source.let_go();  // the process can go while the rest is stored and the file gets its name
  const auto stored = pipeline.finish();
  if (!stored) return stored.error();
  const auto totals = sink.finish();
  if (!totals) return totals.error();

  Copied copied{.expected = extent.expected(), .totals = *totals};
  if (*stored == Stored::no_room) {
    copied.cut = Cut::disk_full;
  } else if (limited) {
    copied.cut = Cut::max_size;
  } else if (source.failure()) {
    copied.cut = Cut::read_error;
  } else if (copied.expected && totals->core < *copied.expected) {
    copied.cut = Cut::stream_ended;
  }
  return copied;
}

}  // namespace upcall::core
