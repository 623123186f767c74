// SPDX-License-Identifier: Apache-2.0
// One question to a running upcalld (wire/control.h).
#pragma once

#include <functional>
#include <span>
#include <string>

#include "base/result.h"
#include "wire/control.h"

namespace upcall::cli {

// The JSON document that it answers with. Descriptors are borrowed.
[[nodiscard]] Result<std::string> ask(const std::string& socket, wire::ControlType what,
                                      std::span<const int> fds);

// Calls `take` with each document that comes, until it returns false or the broker goes.
[[nodiscard]] Result<Ok> follow(const std::string& socket, wire::ControlType what,
                                const std::function<bool(const std::string&)>& take);

}  // namespace upcall::cli
