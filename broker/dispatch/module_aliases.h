// SPDX-License-Identifier: Apache-2.0
// What modules an alias stands for, as kmod's own tool says (`modprobe --showconfig`).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace upcall::dispatch {

class ModuleAliases {
 public:
  ModuleAliases() = default;
  // Lines "alias GLOB MODULE", and others, which say nothing of names; and a line "module NAME" for
  // each module that there is.
  explicit ModuleAliases(std::string_view lines);

  // Their names with '_', each once; none for what stands for nothing here.
  [[nodiscard]] std::vector<std::string> resolve(std::string_view alias) const;

 private:
  struct Alias {
    std::string glob;
    std::string module;
  };
  std::multimap<std::string, std::string, std::less<>> exact_;
  std::map<std::string, std::vector<Alias>, std::less<>> globs_;  // by their first bytes
};

}  // namespace upcall::dispatch
