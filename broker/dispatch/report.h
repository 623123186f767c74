// SPDX-License-Identifier: Apache-2.0
// The log's lines on an event: one when it is decided, one for each run, one for its outcome.
#pragma once

#include <string>

#include "dispatch/output.h"
#include "event/event.h"
#include "policy/decide.h"
#include "wire/launcher.h"

namespace upcall::dispatch {

[[nodiscard]] std::string decided_line(const event::Event& event, const policy::Decision& decision);
// What the handler said before its last line, which run_line() has.
[[nodiscard]] std::vector<std::string> output_lines(event::EventId id, const std::string& handler,
                                                    const LineCollector& output);
[[nodiscard]] std::string run_line(event::EventId id, const policy::Handler& handler, pid_t pid,
                                   const wire::RunEnded& ended, const LineCollector& output);
[[nodiscard]] std::string outcome_line(event::EventId id, const char* outcome,
                                       std::chrono::steady_clock::duration took);

}  // namespace upcall::dispatch
