// SPDX-License-Identifier: Apache-2.0
// How often each origin may be served, beside how many of its own may run at once (fair_share.h). A
// bucket of tokens for each: a burst is let through, and more only as fast as the rate.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

#include "dispatch/fair_share.h"

namespace upcall::dispatch {

class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // How many seconds' worth may come at once: one listing of a directory may ask for the names of
  // hundreds of users, and then for none for minutes.
  static constexpr std::chrono::seconds kBurst{5};

  // Full.
  TokenBucket(std::uint32_t per_second, Time now);

  // Takes a token. False when there is none.
  [[nodiscard]] bool take(Time now);
  [[nodiscard]] bool is_full(Time now);

 private:
  void fill(Time now);

  double per_second_;
  double capacity_;
  double tokens_;
  Time filled_;
};

class RateLimit {
 public:
  using Time = TokenBucket::Time;

  explicit RateLimit(std::uint32_t per_second) : per_second_{per_second} {}

  // False when it has come too often.
  [[nodiscard]] bool admit(const FairShare::Key& key, Time now);
  // Of how many origins it knows something.
  [[nodiscard]] std::size_t remembered() const { return buckets_.size(); }

 private:
  std::uint32_t per_second_;
  std::map<FairShare::Key, TokenBucket> buckets_;
};

}  // namespace upcall::dispatch
