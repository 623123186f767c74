// SPDX-License-Identifier: Apache-2.0
#include "dispatch/report.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "wire/confine_step.h"

namespace upcall::dispatch {
namespace {

std::string line_of(wire::RunEnded ended) {
  const policy::Handler handler{.name = "tell", .program = "/nonexistent/prog"};
  return run_line(event::EventId{7}, handler, 0, ended, LineCollector{});
}

TEST(RunLine, NamesStepProgramAndCauseOfAHandlerThatNeverRan) {
  const auto line = line_of({.how = wire::RunEnd::not_started,
                             .status = ENOENT,
                             .step = static_cast<std::uint32_t>(wire::ConfineStep::exec)});
  EXPECT_NE(line.find("event=7 handler=tell end=not-started status=2 step=exec "
                      "program=\"/nonexistent/prog\" cause=\"No such file or directory\""),
            std::string::npos)
      << line;
}

TEST(RunLine, NamesNoProgramOfAHandlerThatRan) {
  EXPECT_EQ(line_of({.how = wire::RunEnd::exited}).find("program="), std::string::npos);
}

TEST(RunLine, SurvivesAStepThatIsNone) {
  const auto line = line_of({.how = wire::RunEnd::not_started, .status = EINVAL, .step = 4711});
  EXPECT_NE(line.find(" step=unknown "), std::string::npos) << line;
}

}  // namespace
}  // namespace upcall::dispatch
