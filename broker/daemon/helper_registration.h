// SPDX-License-Identifier: Apache-2.0
// Our place in a setting that names a helper, kernel.modprobe or the release agent of a cgroup
// hierarchy of version 1: a file of one line that starts upcall-shim, since the kernel passes no
// arguments of ours. Taken, watched and given back like the one in kernel.core_pattern
// (registration.h); should nobody be left to give it back, the shim does what was done before.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace upcall::daemon {

// Which setting, and what stands for it among our files.
struct HelperSetting {
  std::string file;    // that is written
  std::string role;    // of upcall-shim
  std::string script;  // our file
  std::string usual;   // what is there where nobody remembers
};
[[nodiscard]] HelperSetting module_setting(const std::string& state_directory);
// Of the hierarchy that is mounted there.
[[nodiscard]] HelperSetting release_agent_setting(const std::string& state_directory,
                                                  const std::string& mount_point);
// Those that a predecessor took and has not given back.
[[nodiscard]] std::vector<HelperSetting> saved_release_agents(const std::string& state_directory);

class HelperRegistration {
 public:
  struct Shim {
    std::string program;
    std::string socket;
    bool absent_denies{};  // what it does while there is no broker
  };
  // Reads what is set now.
  [[nodiscard]] static Result<HelperRegistration> begin(HelperSetting setting);

  // There is such a setting at all: not in a kernel without modules.
  [[nodiscard]] bool possible() const { return previous_.has_value(); }
  // The helper that was there before, and what `pass` means.
  [[nodiscard]] std::string previous() const { return previous_.value_or(""); }
  // What it is set to; also where there is no such setting.
  [[nodiscard]] const std::string& ours() const { return setting_.script; }
  [[nodiscard]] const std::string& file() const { return setting_.file; }

  // Once there were rules on it, and what was made for them may be there still.
  [[nodiscard]] bool had_predecessor() const;

  // Writes our file, and sets the setting where there is one.
  [[nodiscard]] Result<Ok> take_over(const Shim& shim);
  // Puts back what was there before, unless another program has taken our place meanwhile. The file
  // stays: a helper of the kernel's may be on its way to it. Also what a predecessor took that had
  // no chance to clean up.
  [[nodiscard]] Result<Ok> restore();
  // What stands there instead of ours; empty while ours does.
  [[nodiscard]] Result<std::string> taken_by() const;

 private:
  HelperRegistration(HelperSetting setting, std::optional<std::string> previous);

  HelperSetting setting_;
  std::string saved_;
  std::optional<std::string> previous_;
  bool registered_{false};
};

// "#!SHIM ROLE=SOCKET,stock=PATH" and a newline. EINVAL, ENAMETOOLONG for what is no such line.
[[nodiscard]] Result<std::string> line_for(const HelperRegistration::Shim& shim,
                                           const std::string& role, const std::string& stock);

}  // namespace upcall::daemon
