// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/sources.h"

#include "origin/runtimes/crun.h"
#include "origin/runtimes/docker.h"
#include "origin/runtimes/mistake.h"
#include "origin/runtimes/nspawn.h"
#include "origin/runtimes/runc.h"

namespace upcall::origin {
namespace {

using wire::RecordKind;

constexpr std::string_view kPodmanFile = "containers.json";  // and volatile-containers.json

// A record of whichever runtime the manager called.
Result<Record> parse_managed(std::string_view manager, std::string_view id,
                             std::span<const std::string> texts) {
  auto record = texts[0].empty() ? parse_crun(id, texts[1], texts[2]) : parse_runc(id, texts[0]);
  if (!record) return record.error();
  auto& runtime = record->container.runtime;
  if (runtime == "runc" || runtime == "crun") runtime = manager;
  return record;
}

Result<Record> parse_docker(std::string_view id, std::span<const std::string> texts) {
  auto record = parse_managed("docker", id, texts);
  if (!record || texts[3].empty()) return record;
  return with_docker_config(*std::move(record), texts[3]);
}

}  // namespace

bool is_record(RecordKind kind, std::string_view entry) {
  if (entry.empty() || entry.starts_with('.')) return false;  // crun: .empty-directory
  if (kind == RecordKind::podman) return entry.ends_with(kPodmanFile);
  // machined's links from units to machines.
  return kind != RecordKind::nspawn || !entry.starts_with("unit:");
}

Result<Record> parse(RecordKind kind, std::string_view id, std::span<const std::string> texts) {
  if (texts.size() != wire::record_files(kind).size()) {
    return unexpected(file_of("files", id), "as many as the table has", EINVAL);
  }
  switch (kind) {
    case RecordKind::crun:
      return parse_crun(id, texts[0], texts[1]);
    case RecordKind::runc:
      return parse_runc(id, texts[0]);
    case RecordKind::containerd:
      return parse_managed("containerd", id, texts);
    case RecordKind::docker:
      return parse_docker(id, texts);
    case RecordKind::nspawn:
      return parse_machine(id, texts[0]);
    case RecordKind::podman:
      break;
  }
  return unexpected(file_of("files", id), "a kind that the table has", EINVAL);
}

}  // namespace upcall::origin
