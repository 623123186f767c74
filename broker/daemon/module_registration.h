// SPDX-License-Identifier: Apache-2.0
// Our place in kernel.modprobe: a file of one line that starts upcall-shim, since the kernel passes
// no arguments of ours. Taken, watched and given back like the one in kernel.core_pattern
// (registration.h); should nobody be left to give it back, the shim does what was done before.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace upcall::daemon {

class ModuleRegistration {
 public:
  struct Shim {
    std::string program;
    std::string socket;
    bool absent_denies{};  // what it does while there is no broker
  };
  // Reads what is set now.
  [[nodiscard]] static Result<ModuleRegistration> begin(const std::string& state_directory);

  // The kernel has modules at all.
  [[nodiscard]] bool possible() const { return previous_.has_value(); }
  // The helper that was there before, and what `pass` means.
  [[nodiscard]] std::string previous() const { return previous_.value_or(""); }
  // What kernel.modprobe is set to; also where the kernel has no modules.
  [[nodiscard]] const std::string& ours() const { return script_; }

  // Once there were rules on modules, and what was made for them may be there still.
  [[nodiscard]] bool had_predecessor() const;

  // Writes the file, and sets kernel.modprobe where there is one.
  [[nodiscard]] Result<Ok> take_over(const Shim& shim);
  // Puts back what was there before, unless another program has taken our place meanwhile. The file
  // stays: a helper of the kernel's may be on its way to it. Also what a predecessor took that had
  // no chance to clean up.
  [[nodiscard]] Result<Ok> restore();
  // What stands in kernel.modprobe instead of ours; empty while ours does.
  [[nodiscard]] Result<std::string> taken_by() const;

 private:
  ModuleRegistration(const std::string& directory, std::optional<std::string> previous)
      : script_{directory + "/modprobe"},
        saved_{directory + "/modprobe.previous"},
        previous_{std::move(previous)} {}

  std::string script_;
  std::string saved_;
  std::optional<std::string> previous_;
  bool registered_{false};
};

}  // namespace upcall::daemon
