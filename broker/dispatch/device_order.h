// SPDX-License-Identifier: Apache-2.0
// In which order uevents are handled: those of a device, of what it is on and of what is on it one
// after the other, as the kernel told them; independent ones at once. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace upcall::dispatch {

class DeviceOrder {
 public:
  using Ticket = std::uint64_t;  // later ones are greater

  struct Entry {
    Ticket ticket{};
    bool may_start{};
  };
  // Takes a place behind all that are related. `devpaths`: more than one where a device has moved.
  [[nodiscard]] Entry enter(std::vector<std::string> devpaths);
  // Gives it up. Those that may start now, in order.
  [[nodiscard]] std::vector<Ticket> leave(Ticket ticket);

 private:
  struct Place {
    std::vector<std::string> devpaths;
    std::size_t before{};       // how many have to leave first
    std::vector<Ticket> after;  // those that count this one in their `before`
  };
  // Calls `take` with the last ticket of `devpath`, of each path above it and of each below it.
  template <class Take>
  void for_each_related(const std::string& devpath, Take take) const;

  // Of each path only the last: it waits for the earlier ones itself.
  std::map<std::string, Ticket, std::less<>> last_;
  std::map<Ticket, Place> places_;
  Ticket next_{1};
};

}  // namespace upcall::dispatch
