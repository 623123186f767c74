// SPDX-License-Identifier: Apache-2.0
// For words on what strangers can bring about as often as they like: every so often they are said,
// and otherwise counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace upcall {

class Seldom {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // What to add when it is said now: how many were not since the last that was, "" without any.
  // Nothing when it is not to be said.
  [[nodiscard]] std::optional<std::string> say(Time now);

 private:
  Time next_{Time::min()};
  std::size_t unsaid_{};
};

}  // namespace upcall
