// SPDX-License-Identifier: Apache-2.0
#include "core/pipeline.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <system_error>

#include "core/sparse.h"

namespace upcall::core {
namespace {

// Threads cost more than they bring to a core that is stored within a few milliseconds.
constexpr std::uint64_t kBulkFrom = 4 << 20;
constexpr std::align_val_t kAlignment{kBlock};
constexpr std::size_t kPrepared = 128 << 10;

// For each worker one in work, one that waits for it, and one that is being read.
std::size_t slots(const Shape& shape) { return shape.workers + 2; }

}  // namespace

void Pipeline::AlignedDelete::operator()(std::byte* memory) const {
  ::operator delete(memory, kAlignment);
}

// Memory that is never touched is never had: a small core uses the first bytes of the first slot,
// for which one call costs less than a fault for each page.
Pipeline::Pipeline(Sink& sink)
    : sink_{sink},
      shape_{sink.shape()},
      memory_{
          static_cast<std::byte*>(::operator new(slots(shape_) * shape_.big_chunk, kAlignment))} {
  (void)::madvise(memory_.get(), std::min(shape_.small_chunk, kPrepared), MADV_POPULATE_WRITE);
}

std::span<std::byte> Pipeline::slot(std::size_t index) const {
  return {memory_.get() + (index * shape_.big_chunk), shape_.big_chunk};
}

std::span<std::byte> Pipeline::buffer() {
  if (offset_ >= kBulkFrom && !tried_workers_) start_workers();
  std::unique_lock lock{mutex_};
  if (threads_.empty()) {
    return full_ || failure_ ? std::span<std::byte>{} : slot(0).first(shape_.small_chunk);
  }
  slot_came_free_.wait(lock, [&] { return !free_slots_.empty(); });
  if (full_ || failure_) return {};
  current_slot_ = free_slots_.back();
  free_slots_.pop_back();
  return slot(current_slot_);
}

void Pipeline::submit(std::size_t size) {
  if (size == 0) return;
  const Chunk chunk{
      .sequence = sequence_++, .offset = offset_, .bytes = slot(current_slot_).first(size)};
  offset_ += size;
  if (threads_.empty()) return note(sink_.store(chunk, 0));
  const std::lock_guard lock{mutex_};
  work_.push_back({.chunk = chunk, .slot = current_slot_});
  work_came_.notify_one();
}

Result<Stored> Pipeline::finish() {
  join();
  if (failure_) return *failure_;
  return full_ ? Stored::no_room : Stored::yes;
}

void Pipeline::start_workers() {
  tried_workers_ = true;
  for (std::size_t i = 0; i < slots(shape_); ++i) free_slots_.push_back(i);
  try {
    for (unsigned i = 0; i < shape_.workers; ++i)
      threads_.emplace_back([this, i] { run_worker(i); });
  } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch)
    // A container may be at its limit of processes: with fewer workers, or with none, it only takes
    // longer.
  }
  if (!threads_.empty()) sink_.expect_bulk();
}

void Pipeline::run_worker(unsigned worker) {
  while (const auto work = next_work()) {
    const auto stored = sink_.store(work->chunk, worker);
    note(stored);
    const std::lock_guard lock{mutex_};
    free_slots_.push_back(work->slot);
    slot_came_free_.notify_one();
  }
}

std::optional<Pipeline::Work> Pipeline::next_work() {
  std::unique_lock lock{mutex_};
  work_came_.wait(lock, [&] { return ended_ || !work_.empty(); });
  if (work_.empty()) return {};
  const auto work = work_.front();
  work_.pop_front();
  return work;
}

void Pipeline::note(const Result<Stored>& stored) {
  const std::lock_guard lock{mutex_};
  if (!stored && !failure_) failure_ = stored.error();
  if (stored && *stored == Stored::no_room) full_ = true;
}

void Pipeline::join() {
  {
    const std::lock_guard lock{mutex_};
    ended_ = true;
    work_came_.notify_all();
  }
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace upcall::core
