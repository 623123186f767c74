// SPDX-License-Identifier: Apache-2.0
// An event as its handler gets to know it: docs/handler-protocol.md in code. Ids are translated to
// the place that the handler runs in, and what cannot be translated is left out.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event/event.h"
#include "policy/decide.h"

namespace upcall::dispatch {

using Fields = std::vector<std::pair<std::string, std::string>>;  // "signal_number" -> "11"

[[nodiscard]] Fields describe(const event::Event& event, const policy::Decision& decision,
                              const std::string& handler, policy::Place place);

// "UPCALL_SIGNAL_NUMBER=11" for each.
[[nodiscard]] std::vector<std::string> to_environment(const Fields& fields);

// With what every event begins; `kind` is as the policy calls it.
struct Head {
  const char* kind{};
  event::EventId id{};
  std::chrono::system_clock::time_point time;
  const std::string& rule;
  const std::string& handler;
};
[[nodiscard]] Fields describe(const Head& head);

// Unless it is empty.
void add_known(Fields& fields, const char* name, std::string_view value);

// What is on record of a container.
void add_record(Fields& fields, const event::Container& container);

// "1700000000.123456"
[[nodiscard]] std::string decimal_seconds(std::chrono::system_clock::time_point time);

// One JSON object: the fields, and the namespaces' ids by name. Bytes that are no UTF-8 become
// U+FFFD.
[[nodiscard]] std::string to_json(const Fields& fields, const event::Event& event);

// What a handler is told: in its environment, and as the document on its descriptor 3.
struct Briefing {
  Fields fields;
  std::string document;  // empty for one that is not briefed
};
[[nodiscard]] Briefing brief(const event::Event& event, const policy::Decision& decision,
                             const policy::Handler& handler);

}  // namespace upcall::dispatch
