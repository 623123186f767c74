// SPDX-License-Identifier: Apache-2.0
// How long a run for a key request may go on: until the request's deadline, or until its requester
// was killed. Then the launcher kills it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "dispatch/services.h"

namespace upcall::dispatch {

class Patience {
 public:
  // `status` is the requester's, below /proc.
  Patience(const Services& services, std::shared_ptr<launcher::Run> run,
           std::chrono::steady_clock::time_point deadline, std::string status);

  // Shares ownership, since the run's end need not be the loop's.
  [[nodiscard]] static asio::awaitable<void> watch(std::shared_ptr<Patience> patience);
  void end();

 private:
  [[nodiscard]] bool exhausted() const;

  launcher::Client& launcher_;
  int proc_;
  std::shared_ptr<launcher::Run> run_;
  std::chrono::steady_clock::time_point deadline_;
  std::string status_;
  asio::steady_timer next_look_;
  bool ended_{false};
};

}  // namespace upcall::dispatch
