// SPDX-License-Identifier: Apache-2.0
// The handlers that come with upcalld, `builtin:core`, which keeps core dumps, `builtin:forward`,
// which tells the programs of a container of uevents, and `builtin:node`, which gives it the nodes
// of their devices: the keys of their `with:`.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "settings/reader.h"
#include "wire/handler_table.h"

namespace upcall::settings {

inline constexpr const char* kBuiltinPrefix = "builtin:";
// Their names, and those of their files in the vault.
inline constexpr const char* kBuiltinCore = "core";
inline constexpr const char* kBuiltinForward = "forward";
inline constexpr const char* kBuiltinNode = "node";

[[nodiscard]] bool is_builtin(const wire::HandlerRow& row, std::string_view name);

// Writing a large dump takes longer than what other handlers do.
inline constexpr std::chrono::minutes kBuiltinCoreTimeout{5};

// "UPCALL_WITH_MODE=full" and so on: every key that is given or has a default, sizes in bytes.
[[nodiscard]] std::vector<std::string> decode_with_of_core(Reader& reader, const Value& with);
[[nodiscard]] std::vector<std::string> decode_with_of_forward(Reader& reader, const Value& with);
[[nodiscard]] std::vector<std::string> decode_with_of_node(Reader& reader, const Value& with);

}  // namespace upcall::settings
