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

// Of such a time that is no fraction of a second, 24 h at most.
[[nodiscard]] std::optional<std::uint32_t> parse_whole_seconds(std::string_view text);

// "ENOKEY"
[[nodiscard]] std::optional<int> parse_errno(std::string_view name);

// "4096" bytes, "64KiB", "512MiB", "1GiB", "2TiB"
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace upcall::settings
