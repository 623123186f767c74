// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/cgroup_path.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "base/text.h"

namespace upcall::origin {
namespace {

enum class Naming { checksum, name };

// A container's cgroup is PARENT/PREFIX<its id>SUFFIX.
struct Place {
  std::string_view parent;
  std::string_view prefix;
  std::string_view suffix;
  const char* runtime;
  Naming naming{Naming::checksum};
};

// All of a pod's levels count as one parent.
constexpr std::string_view kPods = "kubepods";

constexpr std::array kPlaces = {
    Place{"docker", "", "", "docker"},
    Place{"system.slice", "docker-", ".scope", "docker"},
    Place{"machine.slice", "libpod-", ".scope", "podman"},
    Place{"libpod_parent", "libpod-", "", "podman"},
    Place{kPods, "cri-containerd-", ".scope", "containerd"},
    Place{kPods, "crio-", ".scope", "cri-o"},
    Place{kPods, "crio-", "", "cri-o"},
    Place{kPods, "", "", "containerd"},
    Place{"", "lxc.payload.", "", "lxc", Naming::name},
    Place{"lxc.payload", "", "", "lxc", Naming::name},
    Place{"lxc", "", "", "lxc", Naming::name},
    Place{"machine.slice", "systemd-nspawn@", ".service", "nspawn", Naming::name},
    Place{"machine.slice", "machine-", ".scope", "nspawn", Naming::name},
};

bool is_checksum(std::string_view text) {
  constexpr std::size_t kLength = 64;
  return text.size() == kLength &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_pod_level(std::string_view name) {
  return name.starts_with(kPods) || name == "besteffort" || name == "burstable" ||
         name.starts_with("pod");
}

struct Split {
  std::string_view parent;
  std::string_view name;
};

Split split(std::string_view path) {
  auto rest = path.substr(1);
  const auto first = take_until(rest, '/');
  if (first != kPods && first != "kubepods.slice") return {first, take_until(rest, '/')};
  auto name = take_until(rest, '/');
  while (is_pod_level(name)) name = take_until(rest, '/');
  return {kPods, name};
}

std::optional<event::Container> container_at(const Place& place, std::string_view name) {
  if (name.size() <= place.prefix.size() + place.suffix.size() ||
      name.size() > limits::kRecordText || !name.starts_with(place.prefix) ||
      !name.ends_with(place.suffix)) {
    return {};
  }
  name.remove_prefix(place.prefix.size());
  name.remove_suffix(place.suffix.size());
  if (place.naming == Naming::checksum && !is_checksum(name)) return {};
  event::Container container{.runtime = place.runtime, .id = std::string{name}};
  if (place.naming == Naming::name) container.name = container.id;
  return container;
}

}  // namespace

std::optional<event::Container> container_of_cgroup(std::string_view path) {
  if (!path.starts_with('/')) return {};
  const auto [parent, name] = split(path);
  for (const auto& place : kPlaces) {
    const bool at_the_top = place.parent.empty();
    if (!at_the_top && place.parent != parent) continue;
    if (auto container = container_at(place, at_the_top ? parent : name)) return container;
  }
  return {};
}

}  // namespace upcall::origin
