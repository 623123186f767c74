// SPDX-License-Identifier: Apache-2.0
// podman: the runtime's record says that it is podman's; names and images of all containers are in
// one file, overlay-containers/containers.json of its storage (containers/storage 1.30 to 1.59), or
// volatile-containers.json beside it for those that go when they end. Labels given to podman are in
// its database alone.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "origin/record.h"

namespace upcall::origin {

struct StoredContainer {
  std::string name;
  std::string image;
};
using StoredContainers = std::map<std::string, StoredContainer, std::less<>>;  // by id

[[nodiscard]] Result<StoredContainers> parse_podman_storage(std::string_view containers);

// The record as it was, unless it is podman's and stored.
[[nodiscard]] Record with_podman_names(Record record, const StoredContainers& stored);

}  // namespace upcall::origin
