// SPDX-License-Identifier: Apache-2.0
// One uevent that a rule wants, from its decision until its handlers have run.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "dispatch/recipient.h"
#include "dispatch/services.h"
#include "dispatch/tally.h"
#include "event/uevent.h"
#include "policy/uevent_rules.h"

namespace upcall::dispatch {

class UeventCase {
 public:
  // Copies the event; borrows the services and the rule. `owner` is nullptr for the host's devices.
  UeventCase(const Services& services, const event::Uevent& event, const policy::UeventRule& rule,
             std::shared_ptr<const DeviceOwner> owner);
  UeventCase(const UeventCase&) = delete;
  UeventCase& operator=(const UeventCase&) = delete;
  ~UeventCase() = default;

  // On the host, or (borrowed) in the container of `recipient`. Whether all succeeded.
  [[nodiscard]] asio::awaitable<bool> run_handlers(const Recipient* recipient);

  [[nodiscard]] const policy::UeventRule& rule() const { return rule_; }
  [[nodiscard]] const DeviceOwner* owner() const { return owner_.get(); }
  [[nodiscard]] event::EventId id() const { return id_; }
  [[nodiscard]] std::chrono::steady_clock::time_point arrived() const { return arrived_; }

 private:
  [[nodiscard]] asio::awaitable<bool> run(std::uint32_t row, const Recipient* recipient);

  const Services& services_;
  const policy::UeventRule& rule_;
  std::shared_ptr<const DeviceOwner> owner_;
  event::EventId id_;
  std::chrono::system_clock::time_point time_{std::chrono::system_clock::now()};
  std::chrono::steady_clock::time_point arrived_{std::chrono::steady_clock::now()};
  std::string text_;
  event::Uevent event_;  // views into text_
};

}  // namespace upcall::dispatch
