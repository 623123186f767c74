// SPDX-License-Identifier: Apache-2.0
#include "base/relative_path.h"
#include "settings/condition.h"
#include "settings/draft.h"
#include "settings/rule_keys.h"

namespace upcall::settings {
namespace {

// The name of a file below a device's directory, which it is not to lead out of.
bool is_attribute(std::string_view name) {
  constexpr std::size_t kLongest = 255;
  return name.size() <= kLongest && is_path_below(name);
}

using ByName = std::map<std::string, std::vector<std::string>>;

void read_named(Reader& reader, const Value& value, ByName& out,
                const std::function<bool(const Name&)>& is_good) {
  reader.read_entries(value, [&](const Name& name, const Value& globs) {
    if (is_good(name)) text_condition(reader, out[name.text])(globs);
  });
}

Take env_condition(Reader& reader, ByName& out) {
  return
      [&](const Value& value) { read_named(reader, value, out, [](const Name&) { return true; }); };
}

Take attr_condition(Reader& reader, ByName& out) {
  const auto is_good = [&reader](const Name& name) {
    if (is_attribute(name.text)) return true;
    reader.complain(name.place, quoted(name.text) +
                                    " is no attribute: name a file below the device's directory "
                                    "in /sys, such as 'address' or 'device/vendor'");
    return false;
  };
  return [&reader, &out, is_good](const Value& value) { read_named(reader, value, out, is_good); };
}

// Not "user": what a program says is never believed.
std::optional<event::UeventClass> read_class(Reader& reader, const Value& value) {
  return reader.choice(
      value, std::map<std::string, event::UeventClass>{{"kernel", event::UeventClass::kernel},
                                                       {"synthetic", event::UeventClass::synthetic},
                                                       {"injected", event::UeventClass::injected},
                                                       {"resync", event::UeventClass::resync}});
}

}  // namespace

policy::UeventMatch decode_uevent_match(Reader& reader, const Value& value,
                                        std::vector<Name>& container) {
  policy::UeventMatch when;
  std::vector<event::UeventClass> origin;
  reader.read_map(value, {{"container", container_condition(reader, container)},
                          {"action", text_condition(reader, when.action)},
                          {"subsystem", text_condition(reader, when.subsystem)},
                          {"devtype", text_condition(reader, when.devtype)},
                          {"driver", text_condition(reader, when.driver)},
                          {"class", condition<read_class>(reader, origin)},
                          {"devpath", path_condition(reader, when.devpath)},
                          {"env", env_condition(reader, when.env)},
                          {"attr", attr_condition(reader, when.attr)}});
  if (!origin.empty()) when.origin = std::move(origin);
  return when;
}

}  // namespace upcall::settings
