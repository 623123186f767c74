// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/runc.h"

#include "origin/runtimes/json.h"
#include "origin/runtimes/mistake.h"
#include "origin/runtimes/oci.h"

namespace upcall::origin {
namespace {

// runc keeps annotations as "key=value", and adds the bundle as if it were one of them.
Labels to_labels(const std::vector<json::Field>& pairs) {
  Labels labels;
  for (const auto& pair : pairs) {
    const std::string text = pair.text(limits::kRecordFile);
    std::string_view value = text;
    const auto key = take_until(value, '=');
    if (key != "bundle") labels.emplace_back(key, value);
  }
  return labels;
}

// The path below the mount, of which runc knows two places: the unified layout's, and the hybrid
// one's.
std::string below_mount(const std::string& path) {
  for (const std::string_view mount : {"/sys/fs/cgroup/unified/", "/sys/fs/cgroup/"}) {
    if (path.starts_with(mount)) return path.substr(mount.size() - 1);
  }
  return {};
}

}  // namespace

Result<Record> parse_runc(std::string_view id, std::string_view state) {
  json::Document notes{file_of("state.json", id), state};
  notes["id"].must_be(id);
  Record record{.container = {.runtime = "runc", .id = std::string{id}}};
  record = with_init(std::move(record), notes["init_process_pid"], notes["init_process_start"]);
  // The key of the unified hierarchy is empty; the other ones are those of controllers.
  record.cgroup = below_mount(notes["cgroup_paths"][""].optional_text(limits::kRecordPath));
  auto annotations = to_labels(notes["config"]["labels"].optional_list());
  if (const auto read = notes.check(); !read) return read.error();
  return with_annotations(std::move(record), std::move(annotations));
}

}  // namespace upcall::origin
