// SPDX-License-Identifier: Apache-2.0
#include "dispatch/module_aliases.h"

#include <fnmatch.h>

#include <algorithm>

#include "base/text.h"
#include "policy/module_name.h"

namespace upcall::dispatch {
namespace {

using policy::normalized_module_name;

// Enough to tell kinds of devices apart ("pci:", "usb:"), of which there are tens of thousands.
constexpr std::size_t kHead = 3;

constexpr std::string_view kSpecial = "*?[\\";

}  // namespace

ModuleAliases::ModuleAliases(std::string_view lines) {
  while (!lines.empty()) {
    auto line = take_until(lines, '\n');
    const auto kind = take_word(line);
    const auto glob = normalized_module_name(take_word(line));
    if (kind == "module" && !glob.empty()) exact_.emplace(glob, glob);
    const auto module = normalized_module_name(take_word(line));
    if (kind != "alias" || module.empty()) continue;
    if (glob.find_first_of(kSpecial) == std::string::npos) {
      exact_.emplace(glob, module);
    } else {
      const auto head = glob.substr(0, std::min(kHead, glob.find_first_of(kSpecial)));
      globs_[head].push_back({.glob = glob, .module = module});
    }
  }
}

std::vector<std::string> ModuleAliases::resolve(std::string_view alias) const {
  const auto name = normalized_module_name(alias);
  std::vector<std::string> modules;
  const auto [first, last] = exact_.equal_range(name);
  for (auto it = first; it != last; ++it) modules.push_back(it->second);
  for (std::size_t head = 0; head <= std::min(kHead, name.size()); ++head) {
    const auto found = globs_.find(std::string_view{name}.substr(0, head));
    if (found == globs_.end()) continue;
    for (const auto& [glob, module] : found->second) {
      if (::fnmatch(glob.c_str(), name.c_str(), 0) == 0) modules.push_back(module);
    }
  }
  std::ranges::sort(modules);
  const auto repeated = std::ranges::unique(modules);
  modules.erase(repeated.begin(), repeated.end());
  return modules;
}

}  // namespace upcall::dispatch
