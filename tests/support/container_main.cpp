// SPDX-License-Identifier: Apache-2.0
// upcall-container: throw-away containers for tests and demonstrations, with all eight namespaces
// of their own.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string_view>

#include "container_exec.h"
#include "container_init.h"
#include "container_run.h"

namespace {

constexpr const char* kUsage =
    "usage: upcall-container run --control=PATH [OPTIONS]    until SIGTERM, SIGINT or its parent's "
    "end\n"
    "       upcall-container exec --control=PATH [--uid=N] [--cwd=DIR] [--core-limit=N] "
    "[--report-fd=N]\n"
    "                             COMMAND [ARGUMENT...]\n"
    "options of run:\n"
    "  --name=NAME        host name, and part of the cgroup's name (container)\n"
    "  --no-user          no user namespace; else 0-65535 inside are 100000-165535 outside\n"
    "  --uid=N            user and group of its init (0)\n"
    "  --capabilities=HEX what its init keeps of its capabilities, and its bounding set\n"
    "  --nnp              its init has no_new_privs\n"
    "  --read-only        its root is read-only; /tmp and /var/crash stay writable\n"
    "  --crash-size=SIZE  size of the file system at /var/crash, as in tmpfs(5)\n"
    "  --bind=HOST:INSIDE a directory of the host, there\n"
    "  --file=HOST:INSIDE[:MODE] a copy of a file (mode 755)\n";

int run(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "run") return upcall::testing::run_container(argc - 1, argv + 1);
  if (verb == "exec") return upcall::testing::exec_in_container(argc - 1, argv + 1);
  if (verb == "init") return upcall::testing::container_init(argc - 1, argv + 1);
  static_cast<void>(fputs(kUsage, stderr));
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    dprintf(STDERR_FILENO, "upcall-container: %s\n", error.what());
    return 125;
  }
}
