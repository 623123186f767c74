// SPDX-License-Identifier: Apache-2.0
#include "launcher/guard.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/text.h"
#include "kernel/read_file.h"

namespace upcall::launcher {
namespace {

constexpr const char* kCorePattern = "/proc/sys/kernel/core_pattern";
constexpr const char* kCorePipeLimit = "/proc/sys/kernel/core_pipe_limit";

// By itself: it may still be ours where the pattern has become another program's.
Result<Ok> restore_pipe_limit(const wire::GuardRecord& record) {
  if (record.previous_pipe_limit < 0) return Ok{};
  const auto text = kernel::read_file(kCorePipeLimit);
  if (!text) return text.error();
  std::string_view rest{*text};
  if (parse_integer<std::int32_t>(take_until(rest, '\n')) != record.our_pipe_limit) return Ok{};
  return kernel::write_file(kCorePipeLimit, std::to_string(record.previous_pipe_limit));
}

}  // namespace

Result<Ok> check_record(const wire::GuardRecord& record) {
  const auto ends = [](const auto& text) {
    return std::find(text.begin(), text.end(), '\0') != text.end();
  };
  if (ends(record.ours) && ends(record.previous)) return Ok{};
  return from_errno("understand the supervisor's record", EBADMSG);
}

Result<Ok> restore(const wire::GuardRecord& record) {
  const std::string_view ours{record.ours.data()};
  if (ours.empty()) return Ok{};
  const auto text = kernel::read_file(kCorePattern);
  if (!text) return text.error();
  std::string_view rest{*text};
  if (const auto written = restore_pipe_limit(record); !written) return written;
  if (take_until(rest, '\n') != ours) return Ok{};
  // An empty pattern is a pattern, too, and takes a newline to write.
  return kernel::write_file(kCorePattern, std::string{record.previous.data()} + "\n");
}

}  // namespace upcall::launcher
