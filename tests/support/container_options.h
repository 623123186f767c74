// SPDX-License-Identifier: Apache-2.0
// What kind of container to make: the options of `upcall-container run`.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace upcall::testing {

// A place of the host and where it appears inside.
struct Placement {
  std::string host;
  std::string inside;  // absolute
  mode_t mode{0755};   // of a copied file
};

struct ContainerOptions {
  std::string control;  // path of the socket that `exec` connects to
  std::string name{"container"};
  bool user_namespace{true};
  uid_t uid{0};
  std::optional<std::uint64_t> capabilities;  // nothing: all that its user namespace gives
  bool no_new_privs{};
  bool read_only{};
  std::string crash_size{"64m"};
  std::vector<Placement> binds;
  std::vector<Placement> files;
};

// The first user id of the host that a container with a user namespace uses, and how many.
inline constexpr uid_t kFirstHostId = 100'000;
inline constexpr uid_t kHostIds = 65'536;

[[nodiscard]] ContainerOptions parse_container_options(int argc, char** argv);

}  // namespace upcall::testing
