// SPDX-License-Identifier: Apache-2.0
// Input: a datagram of the kernel's broadcast of uevents, whoever sent it.
#include <string>
#include <string_view>

#include "event/uevent.h"
#include "fuzz.h"

namespace {

bool within(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using upcall::fuzz::must;
  // A copy without a NUL behind it, so that a read beyond the end is one beyond an allocation.
  const std::string text{reinterpret_cast<const char*>(data), size};
  const auto event = upcall::event::parse_uevent(text);
  if (!event) return 0;
  must(!event->action.empty() && event->devpath.starts_with('/'));
  must(within(event->variables, text));
  for (const auto field : {event->action, event->devpath, event->devpath_old, event->subsystem,
                           event->devtype, event->driver}) {
    must(within(field, text) && field.find('\0') == std::string_view::npos);
  }
  upcall::event::for_each_variable(event->variables, [&](auto name, auto value) {
    must(within(name, text) && within(value, text) && !name.empty());
    must(upcall::event::find_variable(*event, name).has_value());
  });
  return 0;
}
