// SPDX-License-Identifier: Apache-2.0
// Namespaces as descriptors and as ids. A descriptor keeps its namespace alive and cannot come to
// mean another one, which a pid can.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::kernel {

// The eight kinds, in the order of every array here.
enum class Namespace : std::uint8_t { cgroup, ipc, uts, net, pid, time, mnt, user };
inline constexpr std::size_t kNamespaces = 8;
inline constexpr std::array<const char*, kNamespaces> kNamespaceNames = {
    "cgroup", "ipc", "uts", "net", "pid", "time", "mnt", "user"};

using NamespaceIds = std::array<std::uint64_t, kNamespaces>;

struct NamespaceSet {
  std::array<UniqueFd, kNamespaces> fds;
  NamespaceIds ids{};

  [[nodiscard]] int fd(Namespace kind) const { return fds[static_cast<std::size_t>(kind)].get(); }
  [[nodiscard]] std::uint64_t id(Namespace kind) const {
    return ids[static_cast<std::size_t>(kind)];
  }
};

// All eight of one thread. `directory` is its /proc/PID/task/TID, for kernels whose pidfds do not
// give namespaces (before 6.11); whoever uses that must see afterwards that the process still
// exists.
[[nodiscard]] Result<NamespaceSet> open_namespaces(std::optional<int> thread_pidfd,
                                                   const std::string& directory);

// Of its user namespace alone, from the same source.
[[nodiscard]] Result<std::uint64_t> user_namespace_id(std::optional<int> thread_pidfd,
                                                      const std::string& directory);

// From NS_GET_ID: never used twice. The inode number, which is, before Linux 6.18.
[[nodiscard]] Result<std::uint64_t> namespace_id(int fd);

// The parent of a PID or user namespace. Nothing for our own and for one that is not below ours.
[[nodiscard]] Result<std::optional<UniqueFd>> parent_namespace(int fd);
// The user namespace that owns a namespace. Nothing when it is not ours or below.
[[nodiscard]] Result<std::optional<UniqueFd>> owning_user_namespace(int fd);

// The ids of this PID or user namespace and of all above it, up to `top`; nothing when `top` is not
// above it.
[[nodiscard]] Result<std::optional<std::vector<std::uint64_t>>> lineage(int fd, std::uint64_t top);

// Process 1 of a PID namespace, by its number in ours.
[[nodiscard]] Result<pid_t> find_init(int pid_namespace);

}  // namespace upcall::kernel
