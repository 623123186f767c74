// SPDX-License-Identifier: Apache-2.0
#include "settings/units.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <span>

#include "base/text.h"

namespace upcall::settings {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::uint64_t kSecond = 1000;
constexpr std::array kTimes{Unit{"ms", 1}, Unit{"s", kSecond}, Unit{"min", 60 * kSecond},
                            Unit{"h", 3600 * kSecond}};
constexpr std::array kSizes{
    Unit{"", 1}, Unit{"KiB", std::uint64_t{1} << 10U}, Unit{"MiB", std::uint64_t{1} << 20U},
    Unit{"GiB", std::uint64_t{1} << 30U}, Unit{"TiB", std::uint64_t{1} << 40U}};

std::optional<std::uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_integer<std::uint64_t>(text.substr(0, digits));
  const auto unit =
      std::ranges::find_if(units, [&](const Unit& one) { return one.name == text.substr(digits); });
  if (!number || unit == units.end()) return {};
  if (*number > std::numeric_limits<std::int64_t>::max() / unit->factor) return {};
  return *number * unit->factor;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto quantity = parse_quantity(text, kTimes);
  if (!quantity) return {};
  return std::chrono::milliseconds{static_cast<std::int64_t>(*quantity)};
}

std::optional<std::uint32_t> parse_whole_seconds(std::string_view text) {
  using namespace std::chrono_literals;
  const auto time = parse_duration(text);
  if (!time || *time % 1s != 0ms || *time < 1s || *time > 24h) return {};
  return static_cast<std::uint32_t>(*time / 1s);
}

std::optional<int> parse_errno(std::string_view name) {
  constexpr int kLast = EHWPOISON;  // of Linux, since 2.6.32
  for (int number = 1; number <= kLast; ++number) {
    const char* known = strerrorname_np(number);
    if (known != nullptr && name == known) return number;
  }
  return {};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_quantity(text, kSizes);
}

}  // namespace upcall::settings
