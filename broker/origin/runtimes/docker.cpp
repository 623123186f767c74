// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/docker.h"

#include "origin/runtimes/json.h"
#include "origin/runtimes/mistake.h"

namespace upcall::origin {

Result<Record> with_docker_config(Record record, std::string_view config) {
  json::Document notes{file_of("config.v2.json", record.container.id), config};
  notes["ID"].must_be(record.container.id);
  auto name = notes["Name"].text();
  if (name.starts_with('/')) name.erase(0, 1);  // the root of links between containers
  auto image = notes["Config"]["Image"].optional_text();
  auto labels = notes["Config"]["Labels"].optional_labels();
  if (const auto read = notes.check(); !read) return read.error();

  record.container.name = std::move(name);
  record.container.image = std::move(image);
  // Kubernetes by way of cri-dockerd has labels, where others have annotations.
  record.container.pod = find_label(labels, "io.kubernetes.pod.name");
  record.container.pod_namespace = find_label(labels, "io.kubernetes.pod.namespace");
  return with_labels(std::move(record), std::move(labels));
}

}  // namespace upcall::origin
