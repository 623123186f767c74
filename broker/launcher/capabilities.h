// SPDX-License-Identifier: Apache-2.0
// Capability sets of this thread, by the system calls themselves: async-signal-safe, for use
// between clone and exec. All return false with errno set.
#pragma once

#include <cstdint>
#include <optional>

namespace upcall::launcher {

[[nodiscard]] constexpr std::uint64_t capability_bit(int capability) {
  return std::uint64_t{1} << static_cast<unsigned>(capability);
}

[[nodiscard]] std::optional<std::uint64_t> permitted_capabilities() noexcept;

// Permitted and effective become `set`, inheritable and with it ambient empty.
[[nodiscard]] bool set_capabilities(std::uint64_t set) noexcept;

// Takes whatever is not in `keep` out of the bounding set.
[[nodiscard]] bool drop_bounding_set(std::uint64_t keep) noexcept;

}  // namespace upcall::launcher
