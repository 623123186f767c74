// SPDX-License-Identifier: Apache-2.0
// Whether a cgroup has become empty, from what is seen of it now and then. Pure.
//
// The kernel tells that something has changed, not what, nor how often; a process may have come and
// gone between two looks, and the cgroup with it. That a cgroup without processes has taken more
// CPU time than when it was looked at last shows that there was one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace upcall::sources {

class Population {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Sight {
    bool populated{};
    std::uint64_t cpu_time{};  // of all that ever were in it
  };

  // One that was there before us: of what has been, nothing is told.
  void begin(const Sight& sight);
  // The kernel has told of a change. When to look at it; nothing while somebody is in it.
  [[nodiscard]] std::optional<Time> stir(bool populated, Time now);
  // Whether it has become empty since the last look.
  [[nodiscard]] bool look(const Sight& sight, Time now);
  // The same of one that has been removed, and so is empty.
  [[nodiscard]] bool end(Time now) const;

 private:
  bool populated_{false};
  bool stirred_{false};
  std::uint64_t cpu_time_{0};
  Time next_{Time::min()};  // not told of again before that
};

}  // namespace upcall::sources
