// SPDX-License-Identifier: Apache-2.0
// A program for "|" patterns that writes down how it was started. The test's own binary plays it,
// so that no interpreter adds anything of its own.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace upcall::test {

struct HelperReport {
  std::vector<std::string> arguments;  // without the program and the report's path
  std::vector<std::string> environment;
  std::map<int, std::string>
      descriptors;  // number -> what /proc/self/fd says, without inode numbers
  std::string working_directory;
  std::string core_limit;   // "soft hard"
  std::string mask;         // umask, octal
  std::size_t core_size{};  // bytes read from /dev/stdin, opened by name
};

// A pattern that starts it: "|PROGRAM --report=FILE " + arguments.
[[nodiscard]] std::string helper_pattern(const std::filesystem::path& report,
                                         const std::string& arguments);

// Waits, ten seconds at most, for the report; throws std::runtime_error without one.
[[nodiscard]] HelperReport read_report(const std::filesystem::path& path);

}  // namespace upcall::test
