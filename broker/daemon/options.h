// SPDX-License-Identifier: Apache-2.0
// upcalld's command line.
#pragma once

#include <optional>
#include <string>

#include "base/limits.h"
#include "base/log.h"

namespace upcall::daemon {

// How the kernel hands core dumps over.
enum class CoreMode : std::uint8_t { automatic, socket, pipe };

struct Options {
  std::string config{UPCALL_CONFIG};
  std::string runtime_directory{"/run/upcalld"};
  std::string state_directory{"/var/lib/upcalld"};
  std::optional<std::string> broker_user;
  CoreMode core_mode{CoreMode::automatic};
  log::Level log_level{log::Level::info};
  std::size_t uevent_buffer{limits::kUeventBuffer};
  int ready_fd{-1};      // "READY\n" is written there, once
  bool check{false};     // only read the policy and say what is wrong with it
  bool features{false};  // only say what the kernel offers
};

// Prints help or the version and exits 0, or says what is wrong and exits 2 (as sysexits' EX_USAGE
// in spirit: nothing has been started yet).
[[nodiscard]] Options parse_options(int argc, char** argv);

}  // namespace upcall::daemon
