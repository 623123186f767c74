// SPDX-License-Identifier: Apache-2.0
#include "support/run_program.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "base/unique_fd.h"

namespace upcall::test {
namespace {

pid_t start(std::vector<std::string>& command, int output) {
  std::vector<char*> argv;
  argv.reserve(command.size() + 1);
  for (auto& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv.front(), &actions, nullptr, argv.data(), ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error{"cannot start " + command.front()};
  return pid;
}

std::string contents(int file) {
  struct stat facts {};
  ::fstat(file, &facts);
  std::string text(static_cast<std::size_t>(facts.st_size), '\0');
  const ssize_t size = ::pread(file, text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

}  // namespace

ProgramEnd run_program(std::vector<std::string> command) {
  // A file and no pipe: nobody needs to read while the program writes.
  const UniqueFd output{::memfd_create("output", MFD_CLOEXEC)};
  if (!output) throw std::runtime_error{"cannot keep the output of " + command.front()};
  const pid_t pid = start(command, output.get());
  ProgramEnd end;
  if (::waitpid(pid, &end.status, 0) != pid)
    throw std::runtime_error{"cannot wait for " + command.front()};
  end.output = contents(output.get());
  return end;
}

}  // namespace upcall::test
