// SPDX-License-Identifier: Apache-2.0
// Signals by the names of signal(7), without "SIG".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace upcall::event {

// "SEGV"; the number in decimal for one without a name.
[[nodiscard]] std::string signal_name(int signal);
// Accepts "SEGV", "SIGSEGV" and "11"; nothing for what is no signal.
[[nodiscard]] std::optional<int> signal_number(std::string_view name);

}  // namespace upcall::event
