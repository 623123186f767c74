// SPDX-License-Identifier: Apache-2.0
// builtin:core: stores the core dump on descriptor 0. README.md tells how.
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <new>
#include <string_view>

#include "core/report.h"
#include "core/store.h"

namespace upcall::core {
namespace {

void say(int fd, std::string_view text) {
  // Whoever does not listen cannot be told so.
  static_cast<void>(::write(fd, text.data(), text.size()) < 0);
}

int fail(const Error& error) {
  say(STDERR_FILENO, failure_line(error));
  return exit_status(error);
}

int run() {
  const auto start = std::chrono::steady_clock::now();
  const auto options = read_options();
  if (!options) return fail(options.error());
  const auto stored = store_core(UniqueFd{STDIN_FILENO}, read_identity(), *options);
  if (!stored) return fail(stored.error());
  const auto took = std::chrono::steady_clock::now() - start;
  say(STDOUT_FILENO, result_line(stored->path, stored->copied,
                                 std::chrono::duration_cast<std::chrono::milliseconds>(took)));
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace upcall::core

int main(int argc, char** argv) {
  if (argc > 1) {
    const bool asked = std::string_view{argv[1]} == "--help";
    upcall::core::say(asked ? STDOUT_FILENO : STDERR_FILENO, upcall::core::kHelp);
    return asked ? EXIT_SUCCESS : EX_USAGE;
  }
  // A log that went away, or a limit on file sizes, is an error of one call, not our end.
  (void)::signal(SIGPIPE, SIG_IGN);
  (void)::signal(SIGXFSZ, SIG_IGN);
  try {
    return upcall::core::run();
  } catch (const std::bad_alloc&) {
    return upcall::core::fail(upcall::from_errno("store the core", ENOMEM));
  }
}
