// SPDX-License-Identifier: Apache-2.0
// All core dumps that the broker has taken on: each gets a case of its own (core_dump_case.h), so
// many at once as the launcher can hold, and each ends in one outcome that is counted and logged.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "base/asio.h"
#include "dispatch/core_dump_case.h"
#include "sources/core_dump_arrival.h"

namespace upcall::dispatch {

struct Counters {
  std::uint64_t arrived{};
  std::array<std::uint64_t, kOutcomes> outcomes{};
};

class CoreDumps {
 public:
  explicit CoreDumps(Services services) : services_{std::move(services)} {}

  void take(sources::CoreDumpArrival arrival);
  // A dump of this process is upcalld's own test, answered before the policy is asked.
  void expect_self_test(pid_t pid) { services_.self_test = pid; }

  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] bool idle() const { return active_ == 0; }
  // Called whenever the last active one has ended.
  void on_idle(std::function<void()> idle) { on_idle_ = std::move(idle); }

 private:
  [[nodiscard]] asio::awaitable<void> serve(sources::CoreDumpArrival arrival);
  void account(const CoreDumpCase& dump, Outcome outcome);

  Services services_;
  Counters counters_;
  std::uint64_t next_id_{1};
  std::size_t active_{0};
  std::function<void()> on_idle_;
};

}  // namespace upcall::dispatch
