// SPDX-License-Identifier: Apache-2.0
// crun: `status` is what it remembers, `config.json` the OCI configuration that it was given. Seen
// with crun 1.8.1; the sources of 2026 write the same keys.
#pragma once

#include <string_view>

#include "base/result.h"
#include "origin/record.h"

namespace upcall::origin {

[[nodiscard]] Result<Record> parse_crun(std::string_view id, std::string_view status,
                                        std::string_view config);

}  // namespace upcall::origin
