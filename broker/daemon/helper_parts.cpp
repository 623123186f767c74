// SPDX-License-Identifier: Apache-2.0
#include "daemon/helper_parts.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <stdexcept>

#include "base/log.h"
#include "base/memfd.h"
#include "base/replace_file.h"
#include "base/text.h"
#include "daemon/module_names.h"
#include "kernel/cgroup.h"
#include "kernel/detached_mount.h"
#include "kernel/inotify.h"
#include "kernel/read_file.h"
#include "launcher/stranger.h"
#include "wire/seqpacket.h"

namespace upcall::daemon {
namespace {

// None where this machine has nothing that knows them, and so nothing that loads them either.
std::string names_of_modules(const std::string& modprobe) {
  if (::access(modprobe.c_str(), X_OK) == 0) return or_throw(read_module_names(modprobe));
  log::warning("there is no '" + printable(modprobe) +
               "' to tell the names of modules, so no condition on 'module' ever holds");
  return {};
}

void warn_of_silence(const std::string& mount_point) {
  const auto notify = kernel::read_file(mount_point + "/notify_on_release");
  if (notify && !notify->starts_with('0')) return;
  log::warning("'" + printable(mount_point) +
               "/notify_on_release' is 0, and so it will be for cgroups that are made below: to "
               "hear of them, write 1 to it");
}

Result<Ok> restore_former(const HelperSetting& setting) {
  auto former = HelperRegistration::begin(setting);
  if (!former) return former.error();
  return former->restore();
}

void restore_former_agents(const std::vector<std::string>& mount_points,
                           const std::string& state_directory) {
  for (const auto& setting : saved_release_agents(state_directory)) {
    const bool listed = std::ranges::any_of(mount_points, [&](const auto& one) {
      return release_agent_setting(state_directory, one).script == setting.script;
    });
    if (listed) continue;
    if (const auto restored = restore_former(setting); !restored)
      log::error(describe(restored.error()) + "; restore '" + printable(setting.file) +
                 "' by hand");
  }
}

UniqueFd open_directory(const std::string& path) {
  return UniqueFd{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
}

bool is_unified(const std::string& path) {
  const auto directory = open_directory(path);
  return directory && kernel::is_unified_cgroup(directory.get());
}

void list_cgroups(const std::vector<std::string>& listed, HelperParts& parts) {
  for (const auto& path : listed) {
    const auto directory = open_directory(path);
    if (!directory || !kernel::is_unified_cgroup(directory.get())) continue;
    parts.cgroups.push_back({.directory = or_throw(kernel::clone_detached(directory.get())),
                             .path = or_throw(kernel::unified_path(directory.get()))});
    log::info("empty cgroups are told of below " + printable(path));
  }
  if (parts.cgroups.empty()) return;
  parts.inotify = or_throw(kernel::make_inotify(launcher::choose_stranger()));
}

}  // namespace

TraceOwner::~TraceOwner() {
  if (owns_) (void)kernel::remove_trace_instance();
}

HelperParts prepare_for_helpers(const CompiledPolicy& compiled, const std::string& modprobe,
                                TraceOwner& owner) {
  HelperParts parts;
  auto trace = kernel::make_trace_instance();
  if (!trace) {
    throw std::runtime_error{
        "the policy has rules on modprobe or usermode-helper, and this kernel does not tell who "
        "has "
        "a helper started: " +
        describe(trace.error())};
  }
  owner.own();
  parts.trace = *std::move(trace);
  parts.layout = or_throw(make_sealed_memfd("trace-layout", wire::bytes_of(parts.trace.layout)));
  const auto names = compiled.needs_module_names ? names_of_modules(modprobe) : std::string{};
  parts.module_names = or_throw(make_sealed_memfd("module-names", std::as_bytes(std::span{names})));
  list_cgroups(compiled.release_agents, parts);
  return parts;
}

std::string why_no_release_agents(const std::string& listed, const std::string& state_directory) {
  if (is_unified(listed)) return {};
  const auto file = release_agent_setting(state_directory, listed).file;
  if (::access(file.c_str(), F_OK) == 0) return {};
  return "there is no '" + printable(file) +
         "': 'release_agents' names mount points of cgroup hierarchies of version 1, and "
         "directories of the one of version 2";
}

std::vector<HelperRegistration> find_release_agents(const std::vector<std::string>& listed,
                                                    const std::string& state_directory) {
  auto mount_points = listed;
  std::erase_if(mount_points, is_unified);
  // First, since a listed one may be the same by another path.
  restore_former_agents(mount_points, state_directory);
  std::vector<HelperRegistration> agents;
  for (const auto& mount_point : mount_points) {
    if (const auto why = why_no_release_agents(mount_point, state_directory); !why.empty())
      throw std::runtime_error{why};
    agents.push_back(
        or_throw(HelperRegistration::begin(release_agent_setting(state_directory, mount_point))));
    warn_of_silence(mount_point);
  }
  return agents;
}

void write_static_line(const CompiledPolicy& compiled, const std::string& state_directory,
                       const HelperRegistration::Shim& shim) {
  const auto file = state_directory + "/usermode-helper";
  if (!compiled.rules_on_helpers) {
    (void)::unlink(file.c_str());
    return;
  }
  const auto line = or_throw(line_for(shim, "helper", {}));
  or_throw(replace_file(file, line, 0600));
}

void clean_up_after_predecessor(const CompiledPolicy& compiled, HelperRegistration& modules) {
  if (!compiled.rules_on_modules) {
    if (const auto restored = modules.restore(); !restored)
      log::error(describe(restored.error()) + "; restore kernel.modprobe by hand");
  }
  if (needs_trace(compiled) || !modules.had_predecessor()) return;
  if (const auto removed = kernel::remove_trace_instance(); !removed)
    log::warning(describe(removed.error()) + ", ignoring");
}

}  // namespace upcall::daemon
