// SPDX-License-Identifier: Apache-2.0
// Containers that have gone a short while ago, by their cgroups: that one has become empty may be
// told of after its record was removed.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "event/container.h"

namespace upcall::origin {

class Departed {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void add(std::string cgroup, event::Container container, Time now);
  // The one that went last of those with this cgroup or one above it, the nearest first; null
  // without one. `outer`: how long the cgroup of the nearest living one is, 0 without one. Only
  // what is nearer, and so has a longer one, is found.
  [[nodiscard]] const event::Container* find(std::string_view cgroup, Time now,
                                             std::size_t outer) const;

 private:
  struct One {
    std::string cgroup;
    event::Container container;
    Time went;
  };
  std::deque<One> all_;  // the latest last
};

}  // namespace upcall::origin
