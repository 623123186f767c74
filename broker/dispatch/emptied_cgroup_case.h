// SPDX-License-Identifier: Apache-2.0
// A cgroup of version 2 that has become empty: to the policy it is what a release agent of version
// 1 is told of. No process of the kernel's waits, and there is no stock helper.
#pragma once

#include <cstdint>
#include <string>

#include "dispatch/services.h"
#include "dispatch/tally.h"
#include "event/event.h"
#include "policy/decide.h"

namespace upcall::dispatch {

class EmptiedCgroupCase {
 public:
  // `path` is from the root of the hierarchy. `turns` are those of all such cases, for handlers.
  EmptiedCgroupCase(const Services& services, Semaphore& turns, event::EventId id,
                    std::string path);

  [[nodiscard]] asio::awaitable<Outcome> handle();

 private:
  [[nodiscard]] asio::awaitable<Outcome> ask_handlers();
  [[nodiscard]] asio::awaitable<bool> ask(std::uint32_t row);

  const Services& services_;
  Semaphore& turns_;
  event::Event event_;
  policy::Decision decision_;
  std::chrono::steady_clock::time_point deadline_;  // of its handlers together
};

}  // namespace upcall::dispatch
