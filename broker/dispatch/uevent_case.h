// SPDX-License-Identifier: Apache-2.0
// One uevent that a rule wants, from its decision until its handlers have run.
#pragma once

#include <chrono>
#include <string>

#include "dispatch/services.h"
#include "dispatch/tally.h"
#include "event/uevent.h"
#include "policy/uevent_rules.h"

namespace upcall::dispatch {

class UeventCase {
 public:
  // Copies the event; borrows the rest.
  UeventCase(const Services& services, const event::Uevent& event, const policy::UeventRule& rule);
  UeventCase(const UeventCase&) = delete;
  UeventCase& operator=(const UeventCase&) = delete;

  [[nodiscard]] asio::awaitable<Outcome> handle();

  [[nodiscard]] event::EventId id() const { return id_; }
  [[nodiscard]] std::chrono::steady_clock::time_point arrived() const { return arrived_; }

 private:
  [[nodiscard]] asio::awaitable<bool> run(std::uint32_t row);

  const Services& services_;
  const policy::UeventRule& rule_;
  event::EventId id_;
  std::chrono::system_clock::time_point time_{std::chrono::system_clock::now()};
  std::chrono::steady_clock::time_point arrived_{std::chrono::steady_clock::now()};
  std::string text_;
  event::Uevent event_;  // views into text_
};

}  // namespace upcall::dispatch
