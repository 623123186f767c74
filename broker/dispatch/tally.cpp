// SPDX-License-Identifier: Apache-2.0
#include "dispatch/tally.h"

#include "base/log.h"
#include "dispatch/report.h"

namespace upcall::dispatch {

const char* name_of(Outcome outcome) {
  static constexpr std::array<const char*, kOutcomes> kNames = {
      "handled", "failed", "rejected", "passed", "busy", "lost", "self-test"};
  return kNames.at(static_cast<std::size_t>(outcome));
}

void Tally::begin() {
  ++arrived_;
  ++active_;
}

void Tally::end(event::EventId id, Outcome outcome, std::chrono::steady_clock::time_point arrived) {
  ++outcomes_.at(static_cast<std::size_t>(outcome));
  if (outcome != Outcome::self_test) {
    log::info(outcome_line(id, name_of(outcome), std::chrono::steady_clock::now() - arrived));
  }
  if (--active_ == 0 && on_idle_) on_idle_();
}

std::string Tally::summary() const {
  std::string text = "arrived=" + std::to_string(arrived_);
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    text +=
        std::string{" "} + name_of(static_cast<Outcome>(i)) + "=" + std::to_string(outcomes_.at(i));
  }
  return text;
}

}  // namespace upcall::dispatch
