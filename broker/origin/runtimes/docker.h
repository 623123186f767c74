// SPDX-License-Identifier: Apache-2.0
// Docker: the runtime's record knows neither name nor image nor labels; dockerd keeps them in
// /var/lib/docker/containers/ID/config.v2.json (the format of Docker 1.10 to 28).
#pragma once

#include <string_view>

#include "base/result.h"
#include "origin/record.h"

namespace upcall::origin {

[[nodiscard]] Result<Record> with_docker_config(Record record, std::string_view config);

}  // namespace upcall::origin
