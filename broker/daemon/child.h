// SPDX-License-Identifier: Apache-2.0
// A program of ours, started with exactly the descriptors that its command line names.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::daemon {

struct BrokerIds {
  uid_t uid{};
  gid_t gid{};
};

// What the broker runs as: `name`, which must exist. Without one upcall-broker, or nobody where
// this host has no such user. Throws with cause and remedy.
[[nodiscard]] BrokerIds find_broker_ids(const std::optional<std::string>& name);

struct ChildSpec {
  int program{};                       // borrowed descriptor of the executable
  std::vector<std::string> arguments;  // argv
  std::vector<int> inherited;          // borrowed; they keep their numbers
  std::optional<BrokerIds>
      unprivileged;  // these ids, no groups, no capability but CAP_SYS_CHROOT, no new privileges
};

class Child {
 public:
  Child(std::string name, pid_t pid, UniqueFd pidfd)
      : name_{std::move(name)}, pid_{pid}, pidfd_{std::move(pidfd)} {}
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // SIGKILL unless it ends by itself within `milliseconds`, and reap it: "exited with status 1".
  [[nodiscard]] std::string end(int milliseconds);

 private:
  std::string name_;
  pid_t pid_;
  UniqueFd pidfd_;
};

[[nodiscard]] Result<Child> start_child(const ChildSpec& spec);

}  // namespace upcall::daemon
