// SPDX-License-Identifier: Apache-2.0
// How often each origin may be served, beside how many of its own may run at once (fair_share.h). A
// bucket of tokens for each: a burst is let through, and more only as fast as the rate.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

#include "dispatch/fair_share.h"

namespace upcall::dispatch {

class RateLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // How many seconds' worth may come at once: one listing of a directory may ask for the names of
  // hundreds of users, and then for none for minutes.
  static constexpr std::chrono::seconds kBurst{5};

  explicit RateLimit(std::uint32_t per_second) : per_second_{static_cast<double>(per_second)} {}

  // Takes a token. False when there is none.
  [[nodiscard]] bool admit(const FairShare::Key& key, Time now);
  // Of how many origins it knows something.
  [[nodiscard]] std::size_t remembered() const { return buckets_.size(); }

 private:
  struct Bucket {
    double tokens{};
    Time filled;
  };

  void fill(Bucket& bucket, Time now) const;
  [[nodiscard]] double capacity() const;
  void forget_full_ones(Time now);

  double per_second_;
  std::map<FairShare::Key, Bucket> buckets_;
};

}  // namespace upcall::dispatch
