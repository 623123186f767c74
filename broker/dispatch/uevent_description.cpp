// SPDX-License-Identifier: Apache-2.0
#include "dispatch/uevent_description.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace upcall::dispatch {
namespace {

// "IFINDEX" -> "uevent_ifindex". Nothing for a name that no variable of the environment can have.
std::optional<std::string> field_name(std::string_view variable) {
  std::string name = "uevent_";
  for (const char c : variable) {
    const auto byte = static_cast<unsigned char>(c);
    if (c != '_' && std::isdigit(byte) == 0 && std::isupper(byte) == 0) return {};
    name += static_cast<char>(std::tolower(byte));
  }
  return name;
}

void add_variables(Fields& fields, const event::Uevent& event) {
  event::for_each_variable(event.variables, [&](std::string_view name, std::string_view value) {
    const auto field = field_name(name);
    const bool taken = field && std::ranges::any_of(fields, [&](const auto& known) {
                         return known.first == *field;
                       });
    if (field && !taken) fields.emplace_back(*field, value);
  });
}

Fields describe_told(const UeventTold& told, const std::string& handler) {
  const auto& event = told.event;
  auto fields = describe(Head{
      .kind = "uevent", .id = told.id, .time = told.time, .rule = told.rule, .handler = handler});
  fields.emplace_back("class", event::name_of(event.origin));
  add_known(fields, "container", told.selector);
  if (told.container != nullptr) add_record(fields, *told.container);
  add_known(fields, "action", event.action);
  add_known(fields, "devpath", event.devpath);
  add_known(fields, "devpath_old", event.devpath_old);
  add_known(fields, "subsystem", event.subsystem);
  add_known(fields, "devtype", event.devtype);
  add_known(fields, "driver", event.driver);
  return fields;
}

std::string to_json(const Fields& fields, const event::Uevent& event) {
  nlohmann::ordered_json document;
  for (const auto& [name, value] : fields) document[name] = value;
  auto& variables = document["variables"] = nlohmann::ordered_json::object();
  event::for_each_variable(event.variables, [&](std::string_view name, std::string_view value) {
    if (!variables.contains(name)) variables[std::string{name}] = value;
  });
  constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
  return document.dump(-1, ' ', false, kReplace) + "\n";
}

}  // namespace

Briefing brief(const UeventTold& told, const std::string& handler) {
  Briefing out{.fields = describe_told(told, handler)};
  out.document = to_json(out.fields, told.event);
  add_variables(out.fields, told.event);
  return out;
}

std::string decided_line(event::EventId id, const event::Uevent& event, const std::string& rule,
                         const std::string* owner) {
  std::string line = "event=" + std::to_string(static_cast<std::uint64_t>(id)) + " kind=uevent";
  line += std::string{" class="} + event::name_of(event.origin) + " uevent=\"" +
          printable(event.action) + "\" subsystem=\"" + printable(event.subsystem) +
          "\" devpath=\"" + printable(event.devpath) + "\"";
  if (event.sequence) line += " seqnum=" + std::to_string(*event.sequence);
  // In a container's network namespace it may be anybody's number, and anywhere.
  if (event.sender > 0 && owner == nullptr) line += " sender=" + std::to_string(event.sender);
  if (owner != nullptr) line += " container=" + printable(*owner);
  return line + " rule=\"" + printable(rule) + "\" action=run";
}

}  // namespace upcall::dispatch
