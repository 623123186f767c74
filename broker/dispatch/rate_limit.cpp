// SPDX-License-Identifier: Apache-2.0
#include "dispatch/rate_limit.h"

#include <algorithm>
#include <iterator>

namespace upcall::dispatch {
namespace {

// Origins come and go. Whose bucket is full again is as one that was never seen.
constexpr std::size_t kRemembered = 1024;

}  // namespace

TokenBucket::TokenBucket(std::uint32_t per_second, Time now)
    : per_second_{static_cast<double>(per_second)},
      capacity_{per_second_ * std::chrono::duration<double>{kBurst}.count()},
      tokens_{capacity_},
      filled_{now} {}

bool TokenBucket::take(Time now) {
  fill(now);
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

bool TokenBucket::is_full(Time now) {
  fill(now);
  return tokens_ >= capacity_;
}

void TokenBucket::fill(Time now) {
  const std::chrono::duration<double> since = now - filled_;
  tokens_ = std::min(capacity_, tokens_ + (since.count() * per_second_));
  filled_ = now;
}

bool RateLimit::admit(const FairShare::Key& key, Time now) {
  if (buckets_.size() >= kRemembered && !buckets_.contains(key)) {
    for (auto one = buckets_.begin(); one != buckets_.end();)
      one = one->second.is_full(now) ? buckets_.erase(one) : std::next(one);
  }
  return buckets_.try_emplace(key, per_second_, now).first->second.take(now);
}

}  // namespace upcall::dispatch
