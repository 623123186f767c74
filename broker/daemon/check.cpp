// SPDX-License-Identifier: Apache-2.0
#include "daemon/check.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "base/log.h"
#include "daemon/compiled_policy.h"
#include "daemon/registration.h"

namespace upcall::daemon {
namespace {

// As a start has it, but for a directory that is not there yet.
std::string resolved(const std::string& path) {
  return std::filesystem::weakly_canonical(path).string();
}

}  // namespace

int check(const Options& options) {
  const auto registration = or_throw(Registration::begin(
      resolved(options.state_directory), resolved(options.runtime_directory) + "/coredump.socket"));
  const auto compiled = or_throw(compile_policy(options.config, registration.previous()));
  if (!compiled) return 1;
  if (const auto why = why_not_passed(*compiled, registration.previous()); !why.empty())
    log::warning(why);
  (void)std::printf("%s: no mistakes\n", options.config.c_str());
  return 0;
}

}  // namespace upcall::daemon
