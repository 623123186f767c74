// SPDX-License-Identifier: Apache-2.0
// The handler's words to the log: one line of result, or one of what went wrong and what to do
// about it.
#pragma once

#include <chrono>
#include <string>

#include "core/copy.h"

namespace upcall::core {

// core path="..." complete=yes|no|unknown bytes=N [expected=N] stored=N holes=N [reason=...] ms=N
[[nodiscard]] std::string result_line(const std::string& path, const Copied& copied,
                                      std::chrono::milliseconds took);

// "cannot ...: cause; remedy"
[[nodiscard]] std::string failure_line(const Error& error);

// EX_TEMPFAIL for what may have passed by the next core, otherwise 1.
[[nodiscard]] int exit_status(const Error& error);

}  // namespace upcall::core
