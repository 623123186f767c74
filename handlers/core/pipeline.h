// SPDX-License-Identifier: Apache-2.0
// Between the thread that reads and a sink: nothing for a small core, threads and a ring of buffers
// for a big one, so that reading goes on while chunks are compressed and written.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/sink.h"

namespace upcall::core {

class Pipeline {
 public:
  explicit Pipeline(Sink& sink);  // the sink outlives this
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;
  Pipeline(Pipeline&&) = delete;
  Pipeline& operator=(Pipeline&&) = delete;
  ~Pipeline() { join(); }

  // Where to read the next chunk to; empty when the sink takes no more.
  [[nodiscard]] std::span<std::byte> buffer();
  // The first `size` bytes of that buffer are the core's next.
  void submit(std::size_t size);

  // After the last submit(): waits until all is stored. Tells whether there was room for
  // everything.
  [[nodiscard]] Result<Stored> finish();

 private:
  struct Work {
    Chunk chunk;
    std::size_t slot{};
  };
  struct AlignedDelete {
    void operator()(std::byte* memory) const;
  };

  [[nodiscard]] std::span<std::byte> slot(std::size_t index) const;
  void start_workers();
  void run_worker(unsigned worker);
  [[nodiscard]] std::optional<Work> next_work();
  void note(const Result<Stored>& stored);
  void join();

  Sink& sink_;
  Shape shape_;
  std::unique_ptr<std::byte, AlignedDelete> memory_;  // the slots, one big chunk each
  std::uint64_t sequence_{0};
  std::uint64_t offset_{0};
  std::size_t current_slot_{0};
  bool tried_workers_{false};
  std::vector<std::thread> threads_;

  std::mutex mutex_;  // guards the rest
  std::condition_variable work_came_;
  std::condition_variable slot_came_free_;
  std::deque<Work> work_;
  std::vector<std::size_t> free_slots_;
  bool ended_{false};
  bool full_{false};
  std::optional<Error> failure_;
};

}  // namespace upcall::core
