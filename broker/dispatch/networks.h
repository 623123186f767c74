// SPDX-License-Identifier: Apache-2.0
// The network namespaces of containers whose own devices rules are about (`when: {container:
// ...}`): each is given a number as soon as its container runs, by which the kernel says whose a
// device is. Nothing of ours keeps one alive.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/asio.h"
#include "base/limits.h"
#include "dispatch/rate_limit.h"
#include "dispatch/recipient.h"
#include "dispatch/services.h"
#include "dispatch/uevents.h"
#include "launcher/client.h"
#include "sources/device_table.h"

namespace upcall::dispatch {

class Networks {
 public:
  // `uevents` is borrowed: where the events of containers' devices go.
  Networks(const Services& services, Uevents& uevents) : services_{services}, uevents_{uevents} {}

  // Follows containers as they come and go, for as long as `io` runs.
  void start();

  // Of any network namespace that has a number. What comes beyond a container's rate is left out.
  void take(const event::Uevent& event);
  // The kernel has dropped so many, which is made up for.
  void drop(std::uint64_t count);

 private:
  using Clock = std::chrono::steady_clock;
  using Running = Deliveries::Running;

  // A container that is heard, or whose devices no rule wants.
  struct Member {
    std::shared_ptr<const DeviceOwner> owner;
    std::optional<std::uint32_t> network;
    sources::DeviceTable devices{kernel::Devices{}};
    TokenBucket rate{limits::kDeviceEventsPerSecond, Clock::now()};
    std::uint64_t missed{};  // and not told
  };

  [[nodiscard]] asio::awaitable<void> follow();
  // Whether one is not finished, and so to be looked at again soon.
  [[nodiscard]] asio::awaitable<bool> look_at(const Running& running);
  // `network` is nothing for one whose devices no rule wants, or which has none of its own.
  using Network = std::optional<launcher::HeardNetwork>;
  void adopt(DeviceOwner owner, Network network);
  // All its devices when it is first heard; then, what a loss amounted to.
  void catch_up(Member& member);
  [[nodiscard]] asio::awaitable<void> catch_up_in_time();
  // Whether that is because it is not finished. Anything else is told once.
  [[nodiscard]] bool failed(const origin::Record& record, const Error& error);
  void forget_all_but(const Running& running);
  void forget(pid_t init);
  // And its selector. EAGAIN for one that its runtime has not finished.
  [[nodiscard]] asio::awaitable<Result<Network>> hear(DeviceOwner& owner);
  [[nodiscard]] asio::awaitable<Result<Network>> hear(const Recipient& held);
  [[nodiscard]] bool wanted(const origin::Record& record) const;
  void tell_missed();

  Services services_;
  Uevents& uevents_;
  std::map<pid_t, Member> members_;                 // by the container's init
  std::multimap<std::uint32_t, pid_t> by_network_;  // those of a pod have one in common
  std::map<pid_t, std::string> problems_;           // why it is not heard, as it was told
  std::uint64_t dropped_{};                         // and not told
  Clock::time_point next_telling_;
  Clock::time_point next_catching_up_;
  bool catching_up_{};
};

}  // namespace upcall::dispatch
