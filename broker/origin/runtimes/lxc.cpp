// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/lxc.h"

#include "base/limits.h"

namespace upcall::origin {

std::optional<Record> parse_lxc_cgroup(std::string_view path) {
  constexpr std::string_view kPayload = "/lxc.payload.";
  if (!path.starts_with(kPayload)) return {};
  const auto cgroup = path.substr(0, path.find('/', 1));
  const std::string name{cgroup.substr(kPayload.size())};
  if (name.empty() || name.size() > limits::kRecordText) return {};
  return Record{.container = {.runtime = "lxc", .id = name, .name = name},
                .cgroup = std::string{cgroup}};
}

}  // namespace upcall::origin
