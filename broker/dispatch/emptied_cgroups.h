// SPDX-License-Identifier: Apache-2.0
// All cgroups of version 2 that have become empty: each gets a case of its own
// (emptied_cgroup_case.h).
#pragma once

#include <string>

#include "base/seldom.h"
#include "dispatch/services.h"
#include "dispatch/tally.h"

namespace upcall::dispatch {

class EmptiedCgroups {
 public:
  explicit EmptiedCgroups(Services services);

  // `path` is from the root of the hierarchy.
  void take(std::string path);
  [[nodiscard]] Tally& tally() { return tally_; }

 private:
  [[nodiscard]] asio::awaitable<void> serve(std::string path);

  Services services_;
  Semaphore turns_;
  std::size_t active_{0};
  Seldom crowded_;
  Tally tally_;
};

}  // namespace upcall::dispatch
