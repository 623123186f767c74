// SPDX-License-Identifier: Apache-2.0
#include "dispatch/device_order.h"

#include <string_view>

namespace upcall::dispatch {

template <class Take>
void DeviceOrder::for_each_related(const std::string& devpath, Take take) const {
  for (auto slash = devpath.find('/', 1);; slash = devpath.find('/', slash + 1)) {
    const auto found = last_.find(std::string_view{devpath}.substr(0, slash));
    if (found != last_.end()) take(found->second);
    if (slash == std::string::npos) break;
  }
  const auto below = devpath + "/";
  for (auto one = last_.lower_bound(below); one != last_.end() && one->first.starts_with(below);
       ++one)
    take(one->second);
}

DeviceOrder::Entry DeviceOrder::enter(std::vector<std::string> devpaths) {
  const Ticket ticket = next_++;
  Place place{.devpaths = std::move(devpaths)};
  // One that is related by two paths is counted twice, and takes itself off twice.
  const auto wait_for = [&](Ticket earlier) {
    ++place.before;
    places_.at(earlier).after.push_back(ticket);
  };
  for (const auto& devpath : place.devpaths) for_each_related(devpath, wait_for);
  for (const auto& devpath : place.devpaths) last_.insert_or_assign(devpath, ticket);
  const bool may_start = place.before == 0;
  places_.emplace(ticket, std::move(place));
  return {.ticket = ticket, .may_start = may_start};
}

std::vector<DeviceOrder::Ticket> DeviceOrder::leave(Ticket ticket) {
  const auto place = places_.extract(ticket);
  for (const auto& devpath : place.mapped().devpaths) {
    const auto last = last_.find(devpath);
    if (last != last_.end() && last->second == ticket) last_.erase(last);
  }
  std::vector<Ticket> ready;
  for (const Ticket one : place.mapped().after) {
    if (--places_.at(one).before == 0) ready.push_back(one);
  }
  return ready;
}

}  // namespace upcall::dispatch
