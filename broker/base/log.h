// SPDX-License-Identifier: Apache-2.0
// The one door to spdlog. Only daemon/ and the roots of loops log; everything from outside goes
// through printable() first. One line: "warning: text". error = work lost or refused; warning =
// went on, ends in
// ", ignoring" or the like; info = decisions; debug = the rest.
#pragma once

#include <string>
#include <string_view>

namespace upcall::log {

enum class Level { debug, info, warning, error };

// Nobody here waits for whoever reads standard error: a line that does not fit is dropped, and how
// many were is said as soon as one fits again. Lines are cut to 4 KiB, what a pipe takes whole.
//
// Once, before anything is logged. Lines go to standard error: "12:03:59.120 PROGRAM: info: text".
void start(std::string_view program, Level least);

void write(Level level, const std::string& line);
inline void debug(const std::string& line) { write(Level::debug, line); }
inline void info(const std::string& line) { write(Level::info, line); }
inline void warning(const std::string& line) { write(Level::warning, line); }
inline void error(const std::string& line) { write(Level::error, line); }

}  // namespace upcall::log
