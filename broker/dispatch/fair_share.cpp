// SPDX-License-Identifier: Apache-2.0
#include "dispatch/fair_share.h"

namespace upcall::dispatch {
namespace {

// Containers come and go: beyond so many, those that have nothing running are forgotten.
constexpr std::size_t kRemembered = 1024;

}  // namespace

FairShare::Key FairShare::key_of(const event::Origin& origin) {
  const auto container =
      origin.container_namespaces[static_cast<std::size_t>(event::Namespace::pid)];
  if (container != 0) return {.pid_namespace = container};
  return {.uid = origin.uid};
}

bool FairShare::exhausted(const Key& key) const {
  const auto share = shares_.find(key);
  return share != shares_.end() && share->second->exhausted();
}

asio::awaitable<std::optional<Semaphore::Permit>> FairShare::acquire(Key key) {
  auto& share = share_of(key);
  if (share.waiting() >= waiting_) co_return std::nullopt;
  co_return co_await share.acquire();
}

Semaphore& FairShare::share_of(const Key& key) {
  auto& share = shares_[key];
  if (share) return *share;
  share = std::make_unique<Semaphore>(io_, running_);
  if (shares_.size() > kRemembered) {
    std::erase_if(shares_, [&](const auto& one) { return one.first != key && one.second->idle(); });
  }
  return *share;
}

}  // namespace upcall::dispatch
