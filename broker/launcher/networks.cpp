// SPDX-License-Identifier: Apache-2.0
#include "launcher/networks.h"

#include <sched.h>

#include <cstdlib>

#include "base/limits.h"
#include "kernel/detached_mount.h"
#include "kernel/namespaces.h"

namespace upcall::launcher {
namespace {

// A namespace that is not ours or below counts as the host's, the dear ones.
Result<bool> is_of_host(const Own& own, int network) {
  const auto owner = kernel::owning_user_namespace(network);
  if (!owner) return owner.error();
  if (!*owner) return true;
  const auto id = kernel::namespace_id((*owner)->get());
  if (!id) return id.error();
  return *id == own.namespaces.id(kernel::Namespace::user);
}

Result<UniqueFd> mount_sysfs_of(const Own& own, int network) {
  if (::setns(network, CLONE_NEWNET) != 0) return from_errno("enter a network namespace");
  auto sysfs = kernel::mount_detached_sysfs();
  // To go on in a container's namespace would be a fault in all that follows.
  if (::setns(own.namespaces.fd(kernel::Namespace::net), CLONE_NEWNET) != 0) std::abort();
  return sysfs;
}

}  // namespace

// Whoever looks at the devices that there are then misses none: others are told of.
Result<Networks::Heard> Networks::hear(const Own& own, int network) {
  const auto number = number_of(own, network);
  if (!number) return number.error();
  auto sysfs = mount_sysfs_of(own, network);
  if (!sysfs) return sysfs.error();
  return Heard{.number = *number, .sysfs = *std::move(sysfs)};
}

Result<std::uint32_t> Networks::number_of(const Own& own, int network) {
  const auto known = numbers_.query(network);
  if (!known) return known.error();
  if (*known) return **known;
  const auto of_host = is_of_host(own, network);
  if (!of_host) return of_host.error();
  if (const auto room = make_room(*of_host); !room) return room.error();
  const auto number = next_++;
  if (const auto given = numbers_.give(network, number); !given) return given.error();
  given_.insert(number);
  if (*of_host) of_host_.insert(number);
  return number;
}

bool Networks::full(bool of_host) const {
  return given_.size() >= limits::kNetworks ||
         (of_host && of_host_.size() >= limits::kNetworksOfHost);
}

Result<Ok> Networks::make_room(bool of_host) {
  if (!full(of_host)) return Ok{};
  const auto living = numbers_.living();
  if (!living) return living.error();
  const auto ended = [&](std::uint32_t number) { return !living->contains(number); };
  std::erase_if(given_, ended);
  std::erase_if(of_host_, ended);
  if (full(of_host)) return from_errno("hear one more network namespace", EDQUOT);
  return Ok{};
}

}  // namespace upcall::launcher
