// SPDX-License-Identifier: Apache-2.0
#include "event/signal_name.h"

#include <csignal>
#include <cstring>

#include "base/text.h"

namespace upcall::event {

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? std::string{name} : std::to_string(signal);
}

std::optional<int> signal_number(std::string_view name) {
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    const char* known = ::sigabbrev_np(signal);
    if (known != nullptr && name == known) return signal;
  }
  const auto number = parse_integer<int>(name);
  if (number && *number >= 1 && *number <= SIGRTMAX) return number;
  return {};
}

}  // namespace upcall::event
