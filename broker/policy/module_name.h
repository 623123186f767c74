// SPDX-License-Identifier: Apache-2.0
// How names and aliases of modules are compared.
#pragma once

#include <string>
#include <string_view>

namespace upcall::policy {

// The name, or a glob over names, with '_' for each '-' but between brackets: to kmod both are the
// same.
[[nodiscard]] std::string normalized_module_name(std::string_view name);

}  // namespace upcall::policy
