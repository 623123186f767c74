// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/crun.h"

#include "origin/runtimes/json.h"
#include "origin/runtimes/mistake.h"
#include "origin/runtimes/oci.h"

namespace upcall::origin {

Result<Record> parse_crun(std::string_view id, std::string_view status, std::string_view config) {
  json::Document notes{file_of("status", id), status};
  Record record{.container = {.runtime = "crun", .id = std::string{id}}};
  record = with_init(std::move(record), notes["pid"], notes["process-start-time"]);
  record.cgroup = notes["cgroup-path"].optional_text(limits::kRecordPath);
  if (const auto read = notes.check(); !read) return read.error();

  json::Document configuration{file_of("config.json", id), config};
  auto annotations = configuration["annotations"].optional_labels();
  if (const auto read = configuration.check(); !read) return read.error();
  return with_annotations(std::move(record), std::move(annotations));
}

}  // namespace upcall::origin
