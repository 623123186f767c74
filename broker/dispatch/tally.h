// SPDX-License-Identifier: Apache-2.0
// How the events of one kind end: each in one outcome that is counted and logged.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "event/event.h"

namespace upcall::dispatch {

enum class Outcome : std::uint8_t {
  handled,   // every handler of the rule succeeded
  failed,    // one did not; on_failure has run if there is one
  rejected,  // by policy
  passed,    // to what was there before
  busy,      // let go, since too many of the same origin are under way
  lost,      // not even decided: the process was gone, or something of ours failed
  self_test,
};
inline constexpr std::size_t kOutcomes = 7;
[[nodiscard]] const char* name_of(Outcome outcome);

class Tally {
 public:
  void begin();
  void end(event::EventId id, Outcome outcome, std::chrono::steady_clock::time_point arrived);

  [[nodiscard]] bool idle() const { return active_ == 0; }
  // Called whenever the last active one has ended.
  void on_idle(std::function<void()> idle) { on_idle_ = std::move(idle); }
  // "arrived=7 handled=5 ..."
  [[nodiscard]] std::string summary() const;

 private:
  std::uint64_t arrived_{};
  std::array<std::uint64_t, kOutcomes> outcomes_{};
  std::size_t active_{0};
  std::function<void()> on_idle_;
};

}  // namespace upcall::dispatch
