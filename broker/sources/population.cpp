// SPDX-License-Identifier: Apache-2.0
#include "sources/population.h"

#include <algorithm>

#include "base/limits.h"

namespace upcall::sources {

void Population::begin(const Sight& sight) {
  populated_ = sight.populated;
  cpu_time_ = sight.cpu_time;
}

std::optional<Population::Time> Population::stir(bool populated, Time now) {
  stirred_ = true;
  if (!populated) return std::max(now + limits::kCgroupSettles, next_);
  populated_ = true;
  return {};
}

bool Population::look(const Sight& sight, Time now) {
  const bool emptied = !sight.populated && (populated_ || sight.cpu_time > cpu_time_);
  populated_ = sight.populated;
  cpu_time_ = std::max(cpu_time_, sight.cpu_time);  // it may not be told any more
  stirred_ = false;
  if (emptied) next_ = now + limits::kCgroupToldEvery;
  return emptied;
}

// Of a change that was not looked at any more it is taken that somebody came and went, unless that
// may be the end of what has been told.
bool Population::end(Time now) const { return populated_ || (stirred_ && now >= next_); }

}  // namespace upcall::sources
