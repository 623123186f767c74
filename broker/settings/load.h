// SPDX-License-Identifier: Apache-2.0
// The policy file: YAML in, values out, or everything that is wrong with it. Never half a policy.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "policy/policy.h"
#include "wire/handler_table.h"
#include "wire/state_directories.h"

namespace upcall::settings {

// Places of which empty cgroups are told, and how long their paths may be.
inline constexpr std::size_t kMaxReleaseAgents = 8;
inline constexpr std::size_t kMaxReleaseAgent = 127;

struct Settings {
  policy::Policy policy;
  wire::HandlerTable handlers;  // row numbers are those that the policy uses
  wire::StateDirectories state_directories;
  std::vector<std::string> release_agents;  // mount points of version 1, or cgroups of version 2
};

// One mistake and where it is. Lines and columns count from 1; both 0 where the whole file is
// meant.
struct Diagnostic {
  std::string file;
  int line{};
  int column{};
  std::string message;  // the cause, and the remedy where there is one
  std::string snippet;  // the line of the file, for showing a '^' under the column; may be empty
};

// "FILE:LINE:COL: message", the line, and a '^'; each line ends in '\n'.
[[nodiscard]] std::string render(const Diagnostic& diagnostic);

using Loaded = std::variant<Settings, std::vector<Diagnostic>>;

// Pure: `file` is only for the messages.
[[nodiscard]] Loaded decode(const std::string& file, const std::string& text);

// Reads `file`, and conf.d/*.yaml beside it in name order, refusing what is not a regular file
// owned by root or can be written by others, whole path included.
[[nodiscard]] Loaded load(const std::string& file);

}  // namespace upcall::settings
