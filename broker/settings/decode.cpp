// SPDX-License-Identifier: Apache-2.0
#include "settings/decode.h"

#include "settings/draft.h"

namespace upcall::settings {
namespace {

void check_version(Reader& reader, const Value& value) {
  const auto version = reader.text(value);
  if (version && *version != "1") {
    reader.complain(value.place,
                    "version " + quoted(*version) + " is not known; this upcalld reads version 1");
  }
}

void decode_file(Reader& reader, const Value& file, Draft& draft) {
  bool has_version = false;
  reader.read_map(
      file,
      {{"version",
        [&](const Value& held) {
          has_version = true;
          check_version(reader, held);
        }},
       {"containers", [&](const Value& held) { decode_containers(reader, held, draft); }},
       {"runtimes", [&](const Value& held) { decode_runtimes(reader, held, draft); }},
       {"handlers", [&](const Value& held) { decode_handlers(reader, held, draft); }},
       {"rules", [&](const Value& held) { decode_rules(reader, held, draft); }},
       {"release_agents", [&](const Value& held) { decode_release_agents(reader, held, draft); }},
       {"defaults", [&](const Value& held) { decode_defaults(reader, held, draft); }}});
  // Drop-ins go with the version of the policy file, though they may say it too.
  const bool must_tell = file.kind == Value::Kind::map && file.place.source->order() == 0;
  if (must_tell && !has_version)
    reader.complain(file.place, "no 'version': start the file with 'version: 1'");
}

}  // namespace

Loaded decode_all(const std::deque<Source>& sources, Mistakes mistakes) {
  Reader reader{mistakes};
  Draft draft;
  for (const auto& source : sources) {
    if (const auto file = parse_yaml(source, mistakes)) decode_file(reader, *file, draft);
  }
  auto settings = bind(reader, std::move(draft));
  if (!mistakes.empty()) return std::move(mistakes).take();
  return settings;
}

Loaded decode(const std::string& file, const std::string& text) {
  std::deque<Source> sources;
  sources.emplace_back(0, file, text);
  return decode_all(sources, {});
}

}  // namespace upcall::settings
