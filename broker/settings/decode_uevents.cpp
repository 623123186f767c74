// SPDX-License-Identifier: Apache-2.0
#include "settings/condition.h"
#include "settings/draft.h"
#include "settings/rule_keys.h"

namespace upcall::settings {

policy::UeventMatch decode_uevent_match(Reader& reader, const Value& value,
                                        std::vector<Name>& container) {
  policy::UeventMatch when;
  // Not "user": what a program says is never believed.
  const std::map<std::string, event::UeventClass> classes{
      {"kernel", event::UeventClass::kernel},
      {"synthetic", event::UeventClass::synthetic},
      {"injected", event::UeventClass::injected},
      {"resync", event::UeventClass::resync}};
  const auto read_class = [&](const Value& item) { return reader.choice(item, classes); };
  std::vector<event::UeventClass> origin;
  reader.read_map(
      value,
      {{"container", container_condition(reader, container)},
       {"action", text_condition(reader, when.action)},
       {"subsystem", text_condition(reader, when.subsystem)},
       {"devtype", text_condition(reader, when.devtype)},
       {"driver", text_condition(reader, when.driver)},
       {"class", condition(reader, origin, read_class)},
       {"devpath", condition(reader, when.devpath,
                             [&](const Value& item) { return read_path_glob(reader, item); })},
       {"env", [&](const Value& held) {
          reader.read_entries(held, [&](const Name& name, const Value& one) {
            text_condition(reader, when.env[name.text])(one);
          });
        }}});
  if (!origin.empty()) when.origin = std::move(origin);
  return when;
}

}  // namespace upcall::settings
