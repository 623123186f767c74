// SPDX-License-Identifier: Apache-2.0
// pass: does with a core dump what the kernel would have done with the core_pattern that was there
// before upcalld. A file pattern needs `in: origin`, a program `in: host`.
#include <cstdio>

#include "base/text.h"
#include "kernel/core_pattern.h"
#include "pass/core_file.h"
#include "pass/core_program.h"
#include "pass/request.h"

namespace upcall::pass {
namespace {

constexpr int kFailed = 1;

int fail(const Error& error) {
  (void)std::fprintf(stderr, "error: %s\n", describe(error).c_str());
  return kFailed;
}

int pass_to_program(const Request& request) {
  const auto status = run_core_program(request, UniqueFd{0});
  if (!status) return fail(status.error());
  if (*status == 0) return 0;
  (void)std::fprintf(stderr, "error: '%s' ended with status %d\n",
                     printable(request.pattern).c_str(), *status);
  return kFailed;
}

int pass_to_file(const Request& request) {
  const auto written = write_core_file(request, 0);
  return written ? 0 : fail(written.error());
}

int run() {
  const auto request = read_request();
  if (!request) return fail(request.error());
  switch (kernel::core_pattern_kind(request->pattern)) {
    case kernel::CorePatternKind::program:
      return pass_to_program(*request);
    case kernel::CorePatternKind::file:
      return pass_to_file(*request);
    case kernel::CorePatternKind::stream_socket:
    case kernel::CorePatternKind::request_socket:
      break;
  }
  (void)std::fprintf(
      stderr,
      "error: cannot pass a core dump on to the socket '%s': its owner would not get it "
      "from the kernel; "
      "run a handler of that product instead\n",
      printable(request->pattern).c_str());
  return kFailed;
}

}  // namespace
}  // namespace upcall::pass

int main() { return upcall::pass::run(); }
