// SPDX-License-Identifier: Apache-2.0
#include "settings/builtin.h"

#include <cstdint>
#include <limits>

#include "base/text.h"
#include "settings/units.h"

namespace upcall::settings {
namespace {

constexpr Range kCompressionLevels{.least = 1, .most = 19};

std::optional<std::string> read_word(Reader& reader, const Value& value,
                                     const std::vector<std::string>& words) {
  std::map<std::string, std::string> choices;
  for (const auto& word : words) choices.emplace(word, word);
  return reader.choice(value, choices);
}

std::optional<std::string> read_directory(Reader& reader, const Value& value) {
  auto directory = reader.text(value);
  if (!directory || directory->starts_with('/')) return directory;
  reader.complain(value.place, "expected an absolute path, such as /var/crash");
  return {};
}

std::optional<std::string> read_level(Reader& reader, const Value& value) {
  const auto level = reader.number(value, kCompressionLevels);
  if (!level) return {};
  return std::to_string(*level);
}

std::optional<std::string> read_size(Reader& reader, const Value& value, const char* expected) {
  const auto text = reader.text(value);
  if (!text) return {};
  if (const auto size = parse_size(*text)) return std::to_string(*size);
  reader.complain(value.place, expected);
  return {};
}

std::optional<std::string> read_permissions(Reader& reader, const Value& value) {
  constexpr std::size_t kDigits = 4;
  constexpr unsigned kMost = 0777;
  auto text = reader.text(value);
  if (!text) return {};
  const auto mode = parse_integer<unsigned>(*text, 8);
  if (mode && *mode <= kMost && text->size() == kDigits) return text;
  reader.complain(value.place, "expected four octal digits up to 0777, such as 0660");
  return {};
}

std::optional<std::string> read_id(Reader& reader, const Value& value) {
  constexpr Range kIds{.least = 0, .most = std::numeric_limits<std::uint32_t>::max() - 1};
  const auto id = reader.number(value, kIds);
  return id ? std::optional{std::to_string(*id)} : std::nullopt;
}

bool is_percentage(std::string_view text) {
  if (!text.ends_with('%')) return false;
  const auto number = parse_integer<unsigned>(text.substr(0, text.size() - 1));
  return number && *number < 100;
}

std::optional<std::string> read_size_or_percentage(Reader& reader, const Value& value) {
  if (is_percentage(value.text)) return value.text;
  return read_size(reader, value,
                   "expected a size such as 1GiB (bytes, KiB, MiB, GiB, TiB), or 0% to 99%");
}

using Variables = std::map<std::string, std::string>;

std::vector<std::string> to_environment(const Variables& variables) {
  std::vector<std::string> environment;
  environment.reserve(variables.size());
  for (const auto& [variable, value] : variables) {
    environment.push_back(std::string{"UPCALL_WITH_"}.append(variable).append("=").append(value));
  }
  return environment;
}

}  // namespace

bool is_builtin(const wire::HandlerRow& row, std::string_view name) {
  return row.program == wire::Program::vault && row.path == name;
}

std::vector<std::string> decode_with_of_core(Reader& reader, const Value& with) {
  Variables variables{{"MODE", "full"}, {"DIRECTORY", "/var/crash"}, {"COMPRESS", "zstd"}};
  const auto keep = [&](const char* variable, std::optional<std::string> value) {
    if (value) variables[variable] = *std::move(value);
  };
  reader.read_map(
      with,
      {{"mode", [&](const Value& held) { keep("MODE", read_word(reader, held, {"full"})); }},
       {"directory", [&](const Value& held) { keep("DIRECTORY", read_directory(reader, held)); }},
       {"compress",
        [&](const Value& held) {
          keep("COMPRESS", read_word(reader, held, {"none", "zstd"}));
        }},
       {"level", [&](const Value& held) { keep("LEVEL", read_level(reader, held)); }},
       {"max_size",
        [&](const Value& held) {
          keep("MAX_SIZE",
               read_size(reader, held, "expected a size such as 1GiB (bytes, KiB, MiB, GiB, TiB)"));
        }},
       {"keep_free",
        [&](const Value& held) { keep("KEEP_FREE", read_size_or_percentage(reader, held)); }},
       {"sync", [&](const Value& held) {
          keep("SYNC", read_word(reader, held, {"true", "false"}));
        }}});
  return to_environment(variables);
}

std::vector<std::string> decode_with_of_forward(Reader& reader, const Value& with) {
  Variables variables{{"UDEV", "false"}};
  reader.read_map(with, {{"udev", [&](const Value& held) {
                            assign(variables["UDEV"], read_word(reader, held, {"true", "false"}));
                          }}});
  return to_environment(variables);
}

std::vector<std::string> decode_with_of_node(Reader& reader, const Value& with) {
  Variables variables;
  const auto keep = [&](const char* variable, std::optional<std::string> value) {
    if (value) variables[variable] = *std::move(value);
  };
  reader.read_map(
      with, {{"mode", [&](const Value& held) { keep("MODE", read_permissions(reader, held)); }},
             {"uid", [&](const Value& held) { keep("UID", read_id(reader, held)); }},
             {"gid", [&](const Value& held) { keep("GID", read_id(reader, held)); }}});
  return to_environment(variables);
}

}  // namespace upcall::settings
