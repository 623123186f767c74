// SPDX-License-Identifier: Apache-2.0
#include "core/sink_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/sparse.h"

namespace upcall::core {
namespace {

// O_DIRECT costs a round trip to the disk for each write: to step over a few zero pages takes
// longer than to write them.
constexpr std::size_t kShortestDirectHole = 64 << 10;

}  // namespace

// One worker, since writers of one inode wait for each other.
Shape FileSink::shape() const {
  return {.small_chunk = 128 << 10, .big_chunk = 4 << 20, .workers = 1};
}

// The page cache holds a core that nobody is going to read soon, and pushes out what others need:
// on small guests writing through it is ten times slower from a few GiB on.
void FileSink::expect_bulk() { bypass_cache(true); }

void FileSink::bypass_cache(bool bypass) {
  const int flags = ::fcntl(fd_, F_GETFL);
  // Not every file system has O_DIRECT (EINVAL): the cache does as well.
  direct_ = ::fcntl(fd_, F_SETFL, bypass ? flags | O_DIRECT : flags & ~O_DIRECT) == 0 && bypass;
}

Result<Stored> FileSink::store(const Chunk& chunk, unsigned /*worker*/) {
  const auto shortest_hole = direct_ ? kShortestDirectHole : kBlock;
  std::size_t at = 0;
  while (!stopped_) {
    const auto run = next_data(chunk.bytes, at, shortest_hole);
    if (!run) break;
    totals_.core = chunk.offset + run->begin;
    const auto stored = write_run(chunk.bytes.subspan(run->begin, run->size()), totals_.core);
    stopped_ = !stored || *stored == Stored::no_room;
    if (stopped_) return stored;
    totals_.file += run->size();
    written_to_ = totals_.core + run->size();
    at = run->end;
  }
  if (stopped_) return Stored::no_room;
  totals_.core = chunk.offset + chunk.bytes.size();
  return Stored::yes;
}

Result<Stored> FileSink::write_run(std::span<const std::byte> run, std::uint64_t offset) {
  if (!space_.allows(run.size())) return Stored::no_room;
  return direct_ ? write_past_cache(run, offset) : write_at(fd_, run, offset);
}

Result<Stored> FileSink::write_past_cache(std::span<const std::byte> run, std::uint64_t offset) {
  const std::size_t whole_blocks = run.size() / kBlock * kBlock;
  auto stored = write_at(fd_, run.first(whole_blocks), offset);
  if (!stored && stored.error().code == std::errc::invalid_argument) {
    bypass_cache(false);  // the device wants a coarser alignment than a page
    return write_at(fd_, run, offset);
  }
  if (!stored || *stored == Stored::no_room || whole_blocks == run.size()) return stored;
  bypass_cache(false);  // only the end of the core is no whole block
  return write_at(fd_, run.subspan(whole_blocks), offset + whole_blocks);
}

Result<Totals> FileSink::finish() {
  // Cuts what a failed write has left, and makes a hole of the zeros at the end. A core that ends
  // in data has its size: a file system's journal takes as long for no change as for one.
  const bool has_size = !stopped_ && written_to_ == totals_.core;
  if (!has_size && ::ftruncate(fd_, static_cast<off_t>(totals_.core)) != 0)
    return from_errno("set the core's size");
  totals_.holes = totals_.core - totals_.file;
  return totals_;
}

}  // namespace upcall::core
