// SPDX-License-Identifier: Apache-2.0
// Whether an origin's data may enter the container: only if the container's root could have read
// the process itself. Pure; the launcher's promise to the host, whatever the broker asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "launcher/subject.h"

namespace upcall::launcher {

// Namespaces of the origin, by id: each its own and all above it, up to the host's.
struct Lineages {
  std::vector<std::uint64_t> users;
  std::vector<std::uint64_t> pids;
  std::vector<std::uint64_t> mount_owners;  // user namespaces: the owner of its mount namespace
  std::uint64_t host_user{};
  std::uint64_t host_pid{};
};

// Bits of wire::DisclosureRule: the rules that fail. `container` is the container's init.
[[nodiscard]] std::uint32_t failed_rules(const Subject& origin, const Subject& container,
                                         const Lineages& lineages, std::optional<int> dumpable);

}  // namespace upcall::launcher
