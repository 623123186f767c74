// SPDX-License-Identifier: Apache-2.0
// A uevent: what the kernel says of a device that came, went or changed, as the text
// "add@/devices/..." and variables after it. Views into the text, so that the many that no rule
// wants cost no memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace upcall::event {

// Who says so.
enum class UeventClass : std::uint8_t {
  kernel,     // the kernel, of itself
  synthetic,  // the kernel, because somebody wrote to a uevent file: root, or a container's root
              // with a writable /sys
  injected,   // somebody with CAP_SYS_ADMIN over the network namespace, by way of the kernel
  user,       // a program, past the kernel: never believed
  resync,     // upcalld itself, from /sys, after the kernel had to drop some
};
inline constexpr std::size_t kUeventClasses = 5;
[[nodiscard]] const char* name_of(UeventClass origin);

struct Uevent {
  UeventClass origin{UeventClass::user};
  std::string_view text;  // all of it
  std::string_view action;
  std::string_view devpath;  // below /sys
  std::string_view devpath_old;
  std::string_view subsystem;
  std::string_view devtype;
  std::string_view driver;
  std::string_view variables;  // "NAME=value", each ended by NUL but perhaps the last
  std::optional<std::uint64_t> sequence;
  bool synthetic{};  // it carries the mark of one that was written to a uevent file
  pid_t sender{};    // of injected and user ones; 0 otherwise
  // The number of the network namespace whose device it is, where that is not the host's
  // (kernel/network_collector.h).
  std::optional<std::uint32_t> network;
};

// Total: any bytes in, nothing for what names no action and no path. Of a variable that comes twice
// the first counts, as it is the kernel's own; of SEQNUM the last, for the same reason.
[[nodiscard]] std::optional<Uevent> parse_uevent(std::string_view text);

// Calls `take(name, value)` for each variable.
template <class Take>
void for_each_variable(std::string_view variables, Take take) {
  while (!variables.empty()) {
    const auto entry = variables.substr(0, variables.find('\0'));
    variables.remove_prefix(entry.size() < variables.size() ? entry.size() + 1 : entry.size());
    const auto equals = entry.find('=');
    if (equals != std::string_view::npos && equals != 0)
      take(entry.substr(0, equals), entry.substr(equals + 1));
  }
}

// The first of that name.
[[nodiscard]] std::optional<std::string_view> find_variable(const Uevent& event,
                                                            std::string_view name);

}  // namespace upcall::event
