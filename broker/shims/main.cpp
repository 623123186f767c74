// SPDX-License-Identifier: Apache-2.0
// upcall-shim: what the kernel executes where it insists on executing something. It only passes on.
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <span>
#include <string_view>

#include "shims/core_shim.h"
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
    "Failures go to the kernel's log. Exit status: 0 passed on, 1 failed, 2 wrong usage.\n";

}  // namespace

int main(int argc, char** argv) {
  using namespace upcall::shim;
  // Its memory is of no use to anybody, and a crash of it must not call it again.
  system_call(SYS_prctl, PR_SET_DUMPABLE, 0);
  const std::span<char* const> arguments{argv, static_cast<std::size_t>(argc)};
  const std::string_view role = argc > 1 ? arguments[1] : "";
  if (role == "core") return run_core_shim(arguments.subspan(2));
  constexpr std::string_view kKeyRole = "request-key=";
  if (role.starts_with(kKeyRole)) {
    return run_key_shim(argv[1] + kKeyRole.size(), arguments.subspan(2), argv + argc + 1);
  }
  constexpr std::string_view kModuleRole = "modprobe=";
  if (role.starts_with(kModuleRole)) {
    const std::span<char*> rest{argv + 2, static_cast<std::size_t>(argc - 2)};
    return run_module_shim(argv[1] + kModuleRole.size(), rest, argv + argc + 1);
  }
  const bool asked = role == "--help";
  write_text(asked ? 1 : 2, kHelp);
  return asked ? 0 : 2;
}
