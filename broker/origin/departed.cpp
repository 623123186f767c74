// SPDX-License-Identifier: Apache-2.0
#include "origin/departed.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace upcall::origin {
namespace {

bool is_or_is_below(std::string_view path, std::string_view cgroup) {
  return path.starts_with(cgroup) && (path.size() == cgroup.size() || path[cgroup.size()] == '/');
}

}  // namespace

void Departed::add(std::string cgroup, event::Container container, Time now) {
  while (!all_.empty() &&
         (all_.size() >= limits::kDeparted || now - all_.front().went > limits::kDepartedFor)) {
    all_.pop_front();
  }
  all_.push_back({.cgroup = std::move(cgroup), .container = std::move(container), .went = now});
}

const event::Container* Departed::find(std::string_view cgroup, Time now, std::size_t outer) const {
  const One* nearest = nullptr;
  for (const auto& one : all_) {
    const bool fits = now - one.went <= limits::kDepartedFor && one.cgroup.size() > outer &&
                      is_or_is_below(cgroup, one.cgroup);
    if (fits && (nearest == nullptr || one.cgroup.size() >= nearest->cgroup.size())) nearest = &one;
  }
  return nearest != nullptr ? &nearest->container : nullptr;
}

}  // namespace upcall::origin
