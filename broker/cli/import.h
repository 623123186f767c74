// SPDX-License-Identifier: Apache-2.0
// upcallctl import: another program's configuration as a policy.
#pragma once

#include <optional>
#include <string>

namespace upcall::cli {

// `file` is a path or "-", by default all that request-key reads. Writes the policy to standard
// output and what it cannot say to standard error. Returns the exit status.
[[nodiscard]] int import_request_key_conf(const std::optional<std::string>& file);

}  // namespace upcall::cli
