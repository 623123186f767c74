// SPDX-License-Identifier: Apache-2.0
// The handler table: what may be run at all. upcalld compiles it from the policy file and hands it
// to the launcher in a sealed memfd; the broker only knows the rows' numbers.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace upcall::wire {

enum class Program : std::uint32_t {
  vault,      // `path` names a file of the vault: "core", "pass"
  container,  // `path` is looked up inside the container, as the container's processes would
  host,       // `path` is looked up on the host
};

// Whose privileges the handler gets.
enum class Place : std::uint32_t {
  container,  // the namespaces and at most the privileges of the container's init
  host,       // the launcher's own namespaces
  origin,     // exactly the crashed process's own namespaces, directory and credentials: only for
              // handlers that do what the kernel itself would have done as that process
};

enum class User : std::uint32_t {
  root,    // 0 as seen in that place (for Place::container: the uid of the container's init)
  origin,  // the crashed process's real uid and gid, without capabilities
  fixed,   // `uid` and `gid`, as seen in that place, without capabilities
};

// What to do where the container's seccomp filters cannot be had, so that the handler would be
// confined less than the container.
enum class Seccomp : std::uint32_t {
  required,     // it is not run
  best_effort,  // it is run without
};

struct HandlerRow {
  std::string name;
  Program program{};
  std::string path;                      // absolute, or a name in the vault
  std::vector<std::string> arguments;    // argv, argv[0] included
  std::vector<std::string> environment;  // "NAME=value", fixed by the policy (`with:`)
  Place place{};
  User user{};
  uid_t uid{};
  gid_t gid{};
  std::chrono::milliseconds timeout{};
  Seccomp seccomp{};
  bool authority{};  // it answers a key request itself, with the requester's own keys in reach
  bool kernel_requests{};  // in a container: it may also answer what the kernel asks for everybody
  bool uevents{};          // a rule on uevents names it: it may run for what no process caused
  bool helpers{};          // likewise one on usermode helpers
};

using HandlerTable = std::vector<HandlerRow>;

[[nodiscard]] std::vector<std::byte> pack_handlers(const HandlerTable& table);
// EBADMSG unless the bytes are a whole table of this build.
[[nodiscard]] Result<HandlerTable> unpack_handlers(std::span<const std::byte> bytes);

}  // namespace upcall::wire
