// SPDX-License-Identifier: Apache-2.0
// upcall-shim: what the kernel executes where it insists on executing something. It only passes on.
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <span>
#include <string_view>

#include "shims/core_shim.h"
#include "shims/helper_shim.h"
#include "shims/key_shim.h"
#include "shims/module_shim.h"
#include "shims/report.h"
#include "shims/system_call.h"

namespace {

constexpr std::string_view kHelp =
    "Usage: upcall-shim ROLE ...\n"
    "Passes a call of the Linux kernel on to upcall-broker. Only the kernel runs it.\n"
    "\n"
    "Roles:\n"
    "  core SOCKET [P=%P] [I=%I] [s=%s] [d=%d] [F=%F] [wait=SECONDS]\n"
    "       a core dump, from kernel.core_pattern: |PATH/upcall-shim core SOCKET P=%P ...\n"
    "\n"
    "  request-key=SOCKET[,stock=PATH][,absent=reject] NAME create KEY UID GID THREAD PROCESS "
    "SESSION\n"
    "       a key request, from /sbin/request-key: #!PATH/upcall-shim "
    "request-key=SOCKET,stock=PATH\n"
    "\n"
    "  modprobe=SOCKET[,stock=PATH][,absent=deny] NAME -q -- ALIAS\n"
    "       a module, from the file that kernel.modprobe names: #!PATH/upcall-shim "
    "modprobe=SOCKET,stock=PATH\n"
    "\n"
    "  helper=SOCKET[,stock=PATH][,absent=deny] NAME ARGUMENT...\n"
    "  release-agent=SOCKET[,stock=PATH][,absent=deny] NAME CGROUP\n"
    "       any other helper, from the file that its setting names: #!PATH/upcall-shim "
    "helper=SOCKET,stock=PATH\n"
    "\n"
    "By the name usermode-helper it stands in for all helpers, as the kernel's own configuration "
    "may want\n"
    "(CONFIG_STATIC_USERMODEHELPER).\n"
    "\n"
    "Failures go to the kernel's log. Exit status: 0 passed on, 1 failed, 2 wrong usage.\n";

// What the kernel starts by a file of a #! line.
struct Role {
  std::string_view name;
  int (*run)(char* options, std::span<char*> arguments, char* const* environment);
};
constexpr std::array kRoles{Role{"request-key=", upcall::shim::run_key_shim},
                            Role{"modprobe=", upcall::shim::run_module_shim},
                            Role{"helper=", upcall::shim::run_helper_shim},
                            Role{"release-agent=", upcall::shim::run_release_agent_shim}};

}  // namespace

// NOLINTNEXTLINE(misc-use-internal-linkage): start.cpp calls it
int main(int argc, char** argv) {
  using namespace upcall::shim;
  // Its memory is of no use to anybody, and a crash of it must not call it again.
  system_call(SYS_prctl, PR_SET_DUMPABLE, 0);
  const std::span<char*> arguments{argv, static_cast<std::size_t>(argc)};
  char* const* environment = argv + argc + 1;
  if (is_static_helper(environment)) return run_static_helper_shim(arguments, environment);
  const std::string_view role = argc > 1 ? arguments[1] : "";
  if (role == "core") return run_core_shim(arguments.subspan(2));
  for (const auto& [name, run] : kRoles) {
    if (role.starts_with(name))
      return run(argv[1] + name.size(), arguments.subspan(2), environment);
  }
  const bool asked = role == "--help";
  write_text(asked ? 1 : 2, kHelp);
  return asked ? 0 : 2;
}
