// SPDX-License-Identifier: Apache-2.0
// What upcalld needs at its start for rules on modules and on other helpers of the kernel's.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "daemon/compiled_policy.h"
#include "daemon/helper_registration.h"
#include "daemon/listeners.h"
#include "kernel/trace_instance.h"
#include "sources/cgroup_tree.h"

namespace upcall::daemon {

// Removes the trace instance of a start that comes to nothing; released once the supervisor does.
// To be declared before whatever has the instance open.
class TraceOwner {
 public:
  TraceOwner() = default;
  TraceOwner(const TraceOwner&) = delete;
  TraceOwner& operator=(const TraceOwner&) = delete;
  ~TraceOwner();
  void own() { owns_ = true; }
  void release() { owns_ = false; }

 private:
  bool owns_{false};
};

// What the broker needs, beside its listeners.
struct HelperParts {
  kernel::TraceInstance trace;
  UniqueFd layout;
  UniqueFd module_names;
  UniqueFd inotify;  // where there are any
  std::vector<sources::ListedCgroup> cgroups;
};

[[nodiscard]] inline bool needs_trace(const CompiledPolicy& compiled) {
  return compiled.rules_on_modules || compiled.rules_on_helpers;
}

// Throws where this kernel does not tell who asks for a helper. `modprobe` is the stock one.
[[nodiscard]] HelperParts prepare_for_helpers(const CompiledPolicy& compiled,
                                              const std::string& modprobe, TraceOwner& owner);

// Cause and remedy where a listed place is neither a mount point of a hierarchy of version 1 nor a
// directory of the one of version 2; empty where a start can use it.
[[nodiscard]] std::string why_no_release_agents(const std::string& listed,
                                                const std::string& state_directory);

// Of those that are mount points of hierarchies of version 1; of version 2 there are none. Puts
// back those that a predecessor left and that are not listed any more. Throws where one of them is
// none.
[[nodiscard]] std::vector<HelperRegistration> find_release_agents(
    const std::vector<std::string>& listed, const std::string& state_directory);

// The file that tells upcall-shim, as a kernel's only helper, where the broker is: there while
// there are rules on helpers, and afterwards, should the broker be gone.
void write_static_line(const CompiledPolicy& compiled, const std::string& state_directory,
                       const HelperRegistration::Shim& shim);

// One that was killed together with its launcher could put nothing back.
void clean_up_after_predecessor(const CompiledPolicy& compiled, HelperRegistration& modules);

}  // namespace upcall::daemon
