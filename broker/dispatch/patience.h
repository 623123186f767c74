// SPDX-License-Identifier: Apache-2.0
// How long a run for a request may go on: until the request's deadline, or until its requester
// was killed. Then the launcher kills it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "dispatch/services.h"

namespace upcall::dispatch {

// When a request for a key or a module is over, whatever its handler does.
struct Wait {
  std::chrono::steady_clock::time_point deadline;
  std::string status;  // the requester's, below /proc; empty for one that nothing kills
};
[[nodiscard]] bool is_over(const Wait& wait, int proc);

class Patience {
 public:
  Patience(const Services& services, std::shared_ptr<launcher::Run> run, Wait wait);

  // Shares ownership, since the run's end need not be the loop's.
  [[nodiscard]] static asio::awaitable<void> watch(std::shared_ptr<Patience> patience);
  void end();

 private:
  launcher::Client& launcher_;
  int proc_;
  std::shared_ptr<launcher::Run> run_;
  Wait wait_;
  asio::steady_timer next_look_;
  bool ended_{false};
};

}  // namespace upcall::dispatch
