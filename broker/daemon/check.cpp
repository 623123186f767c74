// SPDX-License-Identifier: Apache-2.0
#include "daemon/check.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <span>
#include <system_error>

#include "base/log.h"
#include "base/memfd.h"
#include "base/text.h"
#include "daemon/compiled_policy.h"
#include "daemon/helper_parts.h"
#include "daemon/helper_registration.h"
#include "daemon/registration.h"
#include "wire/handler_table.h"

namespace upcall::daemon {
namespace {

// As a start has it, but for a directory that is not there yet.
std::string resolved(const std::string& path) {
  return std::filesystem::weakly_canonical(path).string();
}

// Those of the host; where a container's are, only an event tells.
void warn_of_programs(const CompiledPolicy& compiled) {
  const auto bytes = or_throw(read_sealed_memfd(compiled.handlers.get()));
  for (const auto& row : or_throw(wire::unpack_handlers(std::as_bytes(std::span{bytes})))) {
    if (row.program != wire::Program::host || ::access(row.path.c_str(), X_OK) == 0) continue;
    log::warning("handler '" + row.name + "' cannot execute '" + printable(row.path) +
                 "' on this host: " + std::system_category().message(errno));
  }
}

void warn_of_settings(const CompiledPolicy& compiled, const std::string& state) {
  if (compiled.rules_on_modules &&
      !or_throw(HelperRegistration::begin(module_setting(state))).possible())
    log::warning("this kernel has no kernel.modprobe: the rules on modprobe are never asked");
  for (const auto& listed : compiled.release_agents) {
    if (const auto why = why_no_release_agents(listed, state); !why.empty())
      log::warning(why + "; so upcalld does not start");
  }
}

}  // namespace

int check(const Options& options) {
  const auto state = resolved(options.state_directory);
  const auto registration = or_throw(
      Registration::begin(state, resolved(options.runtime_directory) + "/coredump.socket"));
  const auto compiled = or_throw(compile_policy(options.config, registration.previous()));
  if (!compiled) return 1;
  if (const auto why = why_not_passed(*compiled, registration.previous()); !why.empty())
    log::warning(why);
  warn_of_programs(*compiled);
  warn_of_settings(*compiled, state);
  (void)std::printf("%s: no mistakes\n", options.config.c_str());
  return 0;
}

}  // namespace upcall::daemon
