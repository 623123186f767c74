// SPDX-License-Identifier: Apache-2.0
// Times and sizes as people write them. A unit is never left to be guessed, but for bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace upcall::settings {

// "500ms", "30s", "5min", "1h"
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// "4096" bytes, "64KiB", "512MiB", "1GiB", "2TiB"
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace upcall::settings
