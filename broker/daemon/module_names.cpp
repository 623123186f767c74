// SPDX-License-Identifier: Apache-2.0
#include "daemon/module_names.h"

#include <fcntl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "base/text.h"
#include "base/unique_fd.h"
#include "kernel/read_file.h"

namespace upcall::daemon {
namespace {

// Debian's kernels have 2 MiB of aliases.
constexpr std::size_t kMostNames = std::size_t{64} << 20U;

[[noreturn]] void become(const std::string& program, int output) {
  (void)::dup2(output, STDOUT_FILENO);  // inherited: the program that follows writes to it
  const std::array<const char*, 3> arguments{program.c_str(), "--showconfig", nullptr};
  (void)::execv(program.c_str(), const_cast<char* const*>(arguments.data()));
  ::_exit(127);
}

Result<std::string> output_of(const std::string& program) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return from_errno("make a pipe");
  UniqueFd ours{ends[0]};
  UniqueFd theirs{ends[1]};
  const pid_t child = ::fork();
  if (child < 0) return from_errno("start '" + program + "'");
  if (child == 0) become(program, theirs.get());
  theirs.reset();
  auto text = kernel::read_all(ours.get(), program, kMostNames);
  ours.reset();  // so that it ends whatever it has still to say
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return from_errno("wait for '" + program + "'");
  if (status != 0) return from_errno("have '" + program + "' show its configuration", EIO);
  return text;
}

// "kernel/fs/xfs/xfs.ko.xz: kernel/lib/libcrc32c.ko.xz"
std::string files_of_modules() {
  utsname names{};
  (void)::uname(&names);
  const std::string release{static_cast<const char*>(names.release)};
  std::ifstream dependencies{"/lib/modules/" + release + "/modules.dep"};
  std::string lines;
  for (std::string line; std::getline(dependencies, line);) {
    const auto path = line.substr(0, line.find(':'));
    const auto file = path.substr(path.rfind('/') + 1);
    const auto end = file.find(".ko");
    if (end != std::string::npos) lines += "module " + file.substr(0, end) + "\n";
  }
  return lines;
}

}  // namespace

Result<std::string> read_module_names(const std::string& modprobe) {
  auto text = output_of(modprobe);
  if (!text) return text.error();
  return *text + "\n" + files_of_modules();
}

}  // namespace upcall::daemon
