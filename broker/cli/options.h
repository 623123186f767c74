// SPDX-License-Identifier: Apache-2.0
// The command line of upcallctl.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace upcall::cli {

enum class Command { containers, whois, tag, monitor, import };

struct Options {
  std::string runtime_directory{"/run/upcalld"};
  bool json{false};
  Command command{};
  pid_t pid{};                      // for whois and tag
  std::optional<std::string> tag;   // the one to set; empty: to remove
  std::optional<std::string> file;  // the one to import
};

// Ends the process for --help, --version, and with status 2 for what cannot be understood.
[[nodiscard]] Options parse_options(int argc, char** argv);

}  // namespace upcall::cli
