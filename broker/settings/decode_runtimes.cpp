// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "settings/draft.h"

namespace upcall::settings {
namespace {

const std::map<std::string, wire::RecordKind>& kinds() {
  static const auto kKinds = [] {
    std::map<std::string, wire::RecordKind> all;
    for (std::uint32_t i = 0; i < wire::kRecordKinds; ++i) {
      const auto kind = static_cast<wire::RecordKind>(i);
      all.emplace(wire::name_of(kind), kind);
    }
    return all;
  }();
  return kKinds;
}

std::optional<std::string> read_directory(Reader& reader, const Value& value) {
  auto path = reader.text(value);
  if (!path || path->starts_with('/')) return path;
  reader.complain(value.place, "expected an absolute path, such as /run/crun");
  return {};
}

}  // namespace

void decode_runtimes(Reader& reader, const Value& value, Draft& draft) {
  reader.read_entries(value, [&](const Name& name, const Value& held) {
    const auto kind = reader.choice(
        Value{.place = name.place, .kind = Value::Kind::text, .text = name.text}, kinds());
    if (!kind) return;
    // What is given takes the place of what is built in, and an empty list of nothing.
    std::erase_if(draft.state_directories,
                  [&](const wire::StateDirectory& one) { return one.kind == *kind; });
    const auto add = [&](const Value& one) {
      if (auto path = read_directory(reader, one))
        draft.state_directories.push_back({.kind = *kind, .path = *std::move(path)});
    };
    if (held.kind == Value::Kind::list) {
      reader.read_list(held, add);
    } else {
      add(held);
    }
  });
}

}  // namespace upcall::settings
