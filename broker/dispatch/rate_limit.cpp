// SPDX-License-Identifier: Apache-2.0
#include "dispatch/rate_limit.h"

#include <algorithm>

namespace upcall::dispatch {
namespace {

// Origins come and go. Whose bucket is full again is as one that was never seen.
constexpr std::size_t kRemembered = 1024;

}  // namespace

bool RateLimit::admit(const FairShare::Key& key, Time now) {
  if (buckets_.size() >= kRemembered && !buckets_.contains(key)) forget_full_ones(now);
  auto& bucket =
      buckets_.try_emplace(key, Bucket{.tokens = capacity(), .filled = now}).first->second;
  fill(bucket, now);
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

void RateLimit::fill(Bucket& bucket, Time now) const {
  const std::chrono::duration<double> since = now - bucket.filled;
  bucket.tokens = std::min(capacity(), bucket.tokens + since.count() * per_second_);
  bucket.filled = now;
}

double RateLimit::capacity() const {
  return per_second_ * std::chrono::duration<double>{kBurst}.count();
}

void RateLimit::forget_full_ones(Time now) {
  std::erase_if(buckets_, [&](const auto& one) {
    auto bucket = one.second;
    fill(bucket, now);
    return bucket.tokens >= capacity();
  });
}

}  // namespace upcall::dispatch
