// SPDX-License-Identifier: Apache-2.0
// Input: a digit for the parser, then its texts with NULs between them. The parsers are those of
// wire::RecordKind, in its order, of which the last is podman's storage, then the path of a cgroup.
// Any text is a record within its limits or an error that says what is wrong.
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "fuzz.h"
#include "origin/runtimes/cgroup_path.h"
#include "origin/runtimes/podman.h"
#include "origin/runtimes/sources.h"

namespace {

using upcall::fuzz::must;
using upcall::wire::RecordKind;

constexpr std::string_view kId = "web";

void check_labels(const upcall::origin::Record& record) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : record.container.labels) bytes += key.size() + value.size();
  must(bytes <= upcall::limits::kLabelBytes);
  must(record.container.labels.size() <= upcall::limits::kLabels);
}

void check_names(const upcall::event::Container& container) {
  for (const auto* name : {&container.id, &container.name, &container.image}) {
    must(name->size() <= upcall::limits::kRecordText);
  }
  must(!container.runtime.empty());
}

void parse_record(RecordKind kind, std::vector<std::string> texts) {
  texts.resize(upcall::wire::record_files(kind).size());
  const auto record = upcall::origin::parse(kind, kId, texts);
  if (!record) return must(!record.error().doing.empty());
  check_labels(*record);
  check_names(record->container);
  must(record->container.id == kId);
  must(record->init >= upcall::origin::kLeastInit && record->init <= upcall::origin::kMostInit);
}

void parse_storage(std::string_view text) {
  const auto stored = upcall::origin::parse_podman_storage(text);
  if (!stored) return;
  const upcall::origin::Record own{.container = {.runtime = "podman", .id = std::string{kId}}};
  check_names(with_podman_names(own, *stored).container);
}

void parse_cgroup(std::string_view path) {
  const auto container = upcall::origin::container_of_cgroup(path);
  if (!container) return;
  check_names(*container);
  must(!container->id.empty() && path.find(container->id) != std::string_view::npos);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest{reinterpret_cast<const char*>(data), size};
  const auto which = static_cast<std::size_t>(static_cast<unsigned char>(rest.front() - '0'));
  rest.remove_prefix(1);
  if (which == upcall::wire::kRecordKinds) parse_cgroup(rest);
  if (which >= upcall::wire::kRecordKinds) return 0;
  const auto kind = static_cast<RecordKind>(which);
  if (kind == RecordKind::podman) {
    parse_storage(rest);
    return 0;
  }
  std::vector<std::string> texts;
  while (!rest.empty()) texts.emplace_back(upcall::take_until(rest, '\0'));
  parse_record(kind, std::move(texts));
  return 0;
}
