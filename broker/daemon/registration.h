// SPDX-License-Identifier: Apache-2.0
// Our place in kernel.core_pattern: taken, watched, and given back on every way out. What was there
// before is kept in a file as well, for the case that nobody is left to give it back.
#pragma once

#include <string>

#include "base/result.h"
#include "kernel/core_pattern.h"

namespace upcall::daemon {

class Registration {
 public:
  // Reads what is set now. `socket_path` and `shim` are how we would be called, to know our own
  // pattern when a predecessor or the service manager has left it there.
  [[nodiscard]] static Result<Registration> begin(const std::string& state_directory,
                                                  const std::string& socket_path);

  // What this host did before, and what `pass` means.
  [[nodiscard]] const kernel::CoreSettings& previous() const { return previous_; }
  [[nodiscard]] const std::string& ours() const { return ours_; }
  // Somebody else registered our socket, and will end that himself.
  [[nodiscard]] bool kept_by_others() const { return keep_; }

  // `pipe_limit`: the kernel waits with the process for a pipe helper only when there is one.
  [[nodiscard]] Result<Ok> take_over(const std::string& pattern, unsigned pipe_limit);
  // Puts back what was there before, unless another program has taken our place meanwhile or the
  // service manager had registered our socket itself. Harmless when there is nothing to put back.
  [[nodiscard]] Result<Ok> restore();
  // What stands in core_pattern instead of ours; empty while ours does.
  [[nodiscard]] Result<std::string> taken_by() const;

 private:
  Registration(std::string file, kernel::CoreSettings previous, bool keep)
      : file_{std::move(file)}, previous_{std::move(previous)}, keep_{keep} {}

  std::string file_;
  kernel::CoreSettings previous_;
  bool keep_{};  // registered by the service manager: ours to use, not to end
  bool registered_{false};
  std::string ours_;
  unsigned our_pipe_limit_{};
};

}  // namespace upcall::daemon
