// SPDX-License-Identifier: Apache-2.0
#include "core/identity.h"

#include <time.h>

#include <cstdlib>

#include "base/text.h"

namespace upcall::core {
namespace {

constexpr std::uint64_t kMicroseconds = 1'000'000;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// "SECONDS.MICROSECONDS", always six decimals.
std::optional<std::uint64_t> parse_time(std::string_view text) {
  const auto seconds = parse_integer<std::uint32_t>(take_until(text, '.'));
  const auto fraction = parse_integer<std::uint32_t>(text);
  if (!seconds || !fraction || text.size() != 6) return {};
  return (*seconds * kMicroseconds) + *fraction;
}

std::uint64_t now() {
  timespec time{};
  (void)::clock_gettime(CLOCK_REALTIME, &time);
  return (static_cast<std::uint64_t>(time.tv_sec) * kMicroseconds) +
         (static_cast<std::uint64_t>(time.tv_nsec) / 1000);
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// A name may have 255 bytes, an encoded byte takes three, and there are two such parts. A comm
// has 15.
constexpr std::size_t kLongestPart = 32;

std::string part(std::string_view text) {
  return text.empty() ? "unknown" : encode(text.substr(0, kLongestPart));
}

}  // namespace

Identity read_identity() {
  const auto time = parse_time(variable("UPCALL_TIME"));
  return {.pid = variable("UPCALL_PID"),
          .uid = variable("UPCALL_UID"),
          .gid = variable("UPCALL_GID"),
          .comm = variable("UPCALL_COMM"),
          .time_us = time ? *time : now(),
          .for_owner = variable("UPCALL_DUMPABLE") == "1",
          .is_init = variable("UPCALL_INIT") == "1",
          .in_container = variable("UPCALL_PIDFD").empty()};
}

std::string encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_plain(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4U];
    out += kHex[byte & 0xfU];
  }
  return out;
}

std::string file_name(const Identity& identity, bool truncated, std::string_view extension) {
  std::string name = "core." + part(identity.comm) + '.' + part(identity.pid) + '.' +
                     std::to_string(identity.time_us);
  if (truncated) name += ".truncated";
  return name.append(extension);
}

}  // namespace upcall::core
