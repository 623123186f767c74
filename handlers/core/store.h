// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "core/copy.h"
#include "core/identity.h"
#include "core/options.h"

namespace upcall::core {

struct StoredCore {
  std::string path;
  Copied copied;
};

// Stores the core that comes out of `stream`, named after its identity, as the options ask for.
[[nodiscard]] Result<StoredCore> store_core(UniqueFd stream, const Identity& identity,
                                            const Options& options);

}  // namespace upcall::core
