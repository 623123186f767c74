// SPDX-License-Identifier: Apache-2.0
// Runs a program to its end, without a shell in between.
#pragma once

#include <string>
#include <vector>

namespace upcall::test {

struct ProgramEnd {
  int status{};        // as of waitpid()
  std::string output;  // of its standard output; its errors go where ours do
};

// In the namespaces of the calling thread; PATH is searched. Throws std::runtime_error when it
// cannot be started or waited for.
[[nodiscard]] ProgramEnd run_program(std::vector<std::string> command);

}  // namespace upcall::test
