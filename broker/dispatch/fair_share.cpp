// SPDX-License-Identifier: Apache-2.0
#include "dispatch/fair_share.h"

namespace upcall::dispatch {
namespace {

// Containers come and go: beyond so many, those that have nothing running are forgotten.
constexpr std::size_t kRemembered = 1024;

}  // namespace

FairShare::Key FairShare::key_of(const event::Origin& origin) {
  if (!belongs_to_container(origin)) return {.uid = origin.uid};
  // Containers in the host's PID namespace have their mounts to tell them apart.
  const auto id = [](const event::NamespaceIds& ids, event::Namespace kind) {
    return ids[static_cast<std::size_t>(kind)];
  };
  const auto pid = id(origin.container_namespaces, event::Namespace::pid);
  const bool own = pid != id(origin.host_namespaces, event::Namespace::pid);
  return {.container = own ? pid : id(origin.container_namespaces, event::Namespace::mnt)};
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
