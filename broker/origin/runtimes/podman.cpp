// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/podman.h"

#include "origin/runtimes/json.h"

namespace upcall::origin {
namespace {

// The storage keeps a text for podman, in which podman keeps JSON; without it there is the image's
// id.
std::string image_of(const json::Field& container) {
  json::Document metadata{"metadata", container["metadata"].optional_text(limits::kRecordFile)};
  auto image = metadata["image-name"].text();
  return metadata.check() ? image : container["image"].optional_text();
}

std::string first_name(const json::Field& container) {
  const auto names = container["names"].optional_list();
  return names.empty() ? std::string{} : names.front().text();
}

}  // namespace

Result<StoredContainers> parse_podman_storage(std::string_view containers) {
  json::Document storage{"podman's containers.json", containers};
  StoredContainers stored;
  for (const auto& container : storage.root().optional_list()) {
    stored.try_emplace(container["id"].text(), StoredContainer{.name = first_name(container),
                                                               .image = image_of(container)});
  }
  if (const auto read = storage.check(); !read) return read.error();
  return stored;
}

Record with_podman_names(Record record, const StoredContainers& stored) {
  const auto found = stored.find(record.container.id);
  if (record.container.runtime != "podman" || found == stored.end()) return record;
  record.container.name = found->second.name;
  record.container.image = found->second.image;
  return record;
}

}  // namespace upcall::origin
