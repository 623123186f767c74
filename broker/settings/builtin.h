// SPDX-License-Identifier: Apache-2.0
// `builtin:core`, the handler that keeps core dumps: the keys of its `with:`.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "settings/reader.h"

namespace upcall::settings {

inline constexpr const char* kBuiltinPrefix = "builtin:";
inline constexpr const char* kBuiltinCore = "core";  // and its file in the vault

// Writing a large dump takes longer than what other handlers do.
inline constexpr std::chrono::minutes kBuiltinCoreTimeout{5};

// "UPCALL_WITH_MODE=full" and so on: every key that is given or has a default, sizes in bytes.
[[nodiscard]] std::vector<std::string> decode_with_of_core(Reader& reader, const Value& with);

}  // namespace upcall::settings
