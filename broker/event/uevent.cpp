// SPDX-License-Identifier: Apache-2.0
#include "event/uevent.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace upcall::event {
namespace {

void set_first(std::string_view& field, std::string_view value) {
  if (field.empty()) field = value;
}

// Told apart by the first letter before anything is compared: this runs for every event.
void take_variable(Uevent& event, std::string_view name, std::string_view value) {
  switch (name.front()) {
    case 'A':
      if (name == "ACTION") set_first(event.action, value);
      return;
    case 'D':
      if (name == "DEVPATH") set_first(event.devpath, value);
      if (name == "DEVPATH_OLD") set_first(event.devpath_old, value);
      if (name == "DEVTYPE") set_first(event.devtype, value);
      if (name == "DRIVER") set_first(event.driver, value);
      return;
    case 'S':
      if (name == "SUBSYSTEM") set_first(event.subsystem, value);
      if (name == "SYNTH_UUID") event.synthetic = true;
      if (name == "SEQNUM") event.sequence = parse_integer<std::uint64_t>(value);
      return;
    default:
      return;
  }
}

}  // namespace

const char* name_of(UeventClass origin) {
  static constexpr std::array<const char*, kUeventClasses> kNames = {"kernel", "synthetic",
                                                                     "injected", "user", "resync"};
  return kNames.at(static_cast<std::size_t>(origin));
}

std::optional<Uevent> parse_uevent(std::string_view text) {
  Uevent event{.text = text};
  const auto header = text.substr(0, text.find('\0'));
  const auto at = header.find('@');
  event.variables = text;
  if (at != std::string_view::npos) {
    event.action = header.substr(0, at);
    event.devpath = header.substr(at + 1);
    event.variables.remove_prefix(std::min(header.size() + 1, text.size()));
  }
  for_each_variable(event.variables, [&](std::string_view name, std::string_view value) {
    take_variable(event, name, value);
  });
  if (event.action.empty() || !event.devpath.starts_with('/')) return {};
  return event;
}

std::optional<std::string_view> find_variable(const Uevent& event, std::string_view name) {
  std::optional<std::string_view> found;
  for_each_variable(event.variables, [&](std::string_view one, std::string_view value) {
    if (!found && one == name) found = value;
  });
  return found;
}

}  // namespace upcall::event
