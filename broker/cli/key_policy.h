// SPDX-License-Identifier: Apache-2.0
// What request-key.conf(5) says, as a policy of ours: one handler for each line, on the host and as
// root, as request-key starts them, and rules in the order of its best match.
#pragma once

#include <string>

#include "cli/request_key_conf.h"

namespace upcall::cli {

// YAML, upcalld.yaml(5). Lines that no handler can stand for are passed to the stock helper, which
// gets a note in `conf`.
[[nodiscard]] std::string key_policy(Conf& conf);

}  // namespace upcall::cli
