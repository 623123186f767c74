// SPDX-License-Identifier: Apache-2.0
// The policy file made into sealed tables, by a child process that is gone afterwards: the process
// that stays never held a byte of YAML.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "dispatch/pass.h"
#include "kernel/core_pattern.h"
#include "policy/policy.h"

namespace upcall::daemon {

struct CompiledPolicy {
  UniqueFd policy;             // sealed memfd for the broker
  UniqueFd handlers;           // sealed memfd for the launcher
  UniqueFd state_directories;  // sealed memfd for both
  dispatch::PassRows pass;
  policy::OnTakeover core_pattern_taken{};
  bool rules_on_networks{};
  bool rules_on_modules{};
  bool needs_module_names{};
  bool modprobe_absent_denies{};
  bool rules_on_helpers{};
  bool helper_absent_denies{};
  std::vector<std::string> release_agents;  // as in settings/load.h
  bool uses_pass{};  // somewhere, the policy leaves a dump to what was there before
};

// Nothing when the policy is wrong: the child has said how, on standard error. `previous` is what
// `pass` means.
[[nodiscard]] Result<std::optional<CompiledPolicy>> compile_policy(
    const std::string& file, const kernel::CoreSettings& previous);

// Cause and remedy where `pass` is to be what nobody but the kernel can do; empty otherwise.
[[nodiscard]] std::string why_not_passed(const CompiledPolicy& compiled,
                                         const kernel::CoreSettings& previous);

}  // namespace upcall::daemon
