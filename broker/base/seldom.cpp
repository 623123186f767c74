// SPDX-License-Identifier: Apache-2.0
#include "base/seldom.h"

#include <utility>

#include "base/limits.h"

namespace upcall {

std::optional<std::string> Seldom::say(Time now) {
  if (now < next_) {
    ++unsaid_;
    return {};
  }
  next_ = now + limits::kSaidEvery;
  const auto unsaid = std::exchange(unsaid_, 0);
  return unsaid == 0 ? "" : " (and " + std::to_string(unsaid) + " more since the last word on it)";
}

}  // namespace upcall
