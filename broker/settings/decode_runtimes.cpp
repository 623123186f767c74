// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "settings/draft.h"

namespace upcall::settings {
namespace {

using wire::RecordForm;

const std::map<std::string, RecordForm>& forms() {
  static const std::map<std::string, RecordForm> kForms{{"crun", RecordForm::crun},
                                                        {"runc", RecordForm::runc},
                                                        {"docker", RecordForm::docker},
                                                        {"podman", RecordForm::podman},
                                                        {"nspawn", RecordForm::nspawn}};
  return kForms;
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
    const auto form = reader.choice(
        Value{.place = name.place, .kind = Value::Kind::text, .text = name.text}, forms());
    if (!form) return;
    // What is given takes the place of what is built in, and an empty list of nothing.
    std::erase_if(draft.state_directories,
                  [&](const wire::StateDirectory& one) { return one.form == *form; });
    const auto add = [&](const Value& one) {
      if (auto path = read_directory(reader, one))
        draft.state_directories.push_back({.form = *form, .path = *std::move(path)});
    };
    if (held.kind == Value::Kind::list) {
      reader.read_list(held, add);
    } else {
      add(held);
    }
  });
}

}  // namespace upcall::settings
