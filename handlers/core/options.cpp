// SPDX-License-Identifier: Apache-2.0
#include "core/options.h"

#include <array>
#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>

#include "base/text.h"

namespace upcall::core {

const std::string_view kHelp =
    "Usage: core < CORE\n"
    "\n"
    "Stores the core dump that arrives on standard input and reports one line.\n"
    "upcalld runs it as builtin:core; options come from the environment:\n"
    "\n"
    "  UPCALL_WITH_DIRECTORY   where to store it, absolute, no symbolic links [/var/crash]\n"
    "  UPCALL_WITH_COMPRESS    zstd, or none for a sparse file [zstd]\n"
    "  UPCALL_WITH_LEVEL       of zstd, -7 to 19 [1]\n"
    "  UPCALL_WITH_MAX_SIZE    cut cores there: bytes, or 512KiB, 100MiB, 2GiB; 0 never [0]\n"
    "  UPCALL_WITH_KEEP_FREE   room to leave on the file system: a size, or a percentage [5%]\n"
    "  UPCALL_WITH_SYNC        true to name a core only once it is on the disk [false]\n"
    "\n"
    "Exit status: 0 stored, whole or cut short; 75 no room now; 1 failed.\n";

namespace {

std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, unsigned>, 3> kUnits{
      {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}}};
  unsigned shift = 0;
  for (const auto& [unit, bits] : kUnits) {
    if (!text.ends_with(unit)) continue;
    text.remove_suffix(unit.size());
    shift = bits;
  }
  const auto number = parse_integer<std::uint64_t>(text);
  if (!number || *number > std::numeric_limits<std::uint64_t>::max() >> shift) return {};
  return *number << shift;
}

bool take_directory(std::string_view text, Options& out) {
  out.directory = text;
  return text.front() == '/';
}

bool take_compression(std::string_view text, Options& out) {
  out.compression = text == "none" ? Compression::none : Compression::zstd;
  return text == "none" || text == "zstd";
}

bool take_level(std::string_view text, Options& out) {
  const auto level = parse_integer<int>(text);
  out.level = level.value_or(0);
  return level && *level >= -7 && *level <= 19;
}

bool take_max_size(std::string_view text, Options& out) {
  const auto size = parse_size(text);
  out.max_size = size.value_or(0);
  return size.has_value();
}

bool take_keep_free(std::string_view text, Options& out) {
  out.keep_free.percent = text.ends_with('%');
  if (out.keep_free.percent) text.remove_suffix(1);
  const auto amount = out.keep_free.percent ? parse_integer<std::uint64_t>(text) : parse_size(text);
  out.keep_free.amount = amount.value_or(0);
  return amount && (!out.keep_free.percent || *amount <= 100);
}

bool take_sync(std::string_view text, Options& out) {
  out.sync = text == "true";
  return text == "true" || text == "false";
}

struct Option {
  const char* variable;
  bool (*take)(std::string_view text, Options& out);
};

constexpr std::array<Option, 6> kOptions{{{"UPCALL_WITH_DIRECTORY", take_directory},
                                          {"UPCALL_WITH_COMPRESS", take_compression},
                                          {"UPCALL_WITH_LEVEL", take_level},
                                          {"UPCALL_WITH_MAX_SIZE", take_max_size},
                                          {"UPCALL_WITH_KEEP_FREE", take_keep_free},
                                          {"UPCALL_WITH_SYNC", take_sync}}};

}  // namespace

Result<Options> read_options() {
  Options options;
  for (const auto& [variable, take] : kOptions) {
    const char* text = std::getenv(variable);
    if (text == nullptr || *text == '\0' || take(text, options)) continue;
    return from_errno(std::string{"use "} + variable + "=\"" + printable(text) + "\"", EINVAL);
  }
  return options;
}

}  // namespace upcall::core
