// SPDX-License-Identifier: Apache-2.0
#include "launcher/guard.h"

#include <poll.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/text.h"
#include "kernel/read_file.h"
#include "kernel/trace_instance.h"

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

// What stands there is put back only where it is still ours. An empty text is one, too, and takes a
// newline to write.
Result<Ok> restore_text(const char* file, std::string_view ours, std::string_view previous) {
  if (ours.empty()) return Ok{};
  const auto text = kernel::read_file(file);
  if (!text) return text.error();
  std::string_view rest{*text};
  if (take_until(rest, '\n') != ours) return Ok{};
  return kernel::write_file(file, std::string{previous} + "\n");
}

Result<Ok> restore_core_pattern(const wire::GuardRecord& record) {
  if (record.ours.front() == '\0') return Ok{};
  if (const auto written = restore_pipe_limit(record); !written) return written;
  return restore_text(kCorePattern, record.ours.data(), record.previous.data());
}

}  // namespace

Result<Ok> check_record(const wire::GuardRecord& record) {
  const auto ends = [](const auto& text) {
    return std::find(text.begin(), text.end(), '\0') != text.end();
  };
  const bool helpers_end =
      std::ranges::all_of(record.helpers, [&](const wire::GuardSetting& setting) {
        return ends(setting.file) && ends(setting.ours) && ends(setting.previous);
      });
  if (ends(record.ours) && ends(record.previous) && helpers_end) return Ok{};
  return from_errno("understand the supervisor's record", EBADMSG);
}

Result<Ok> restore(const wire::GuardRecord& record) {
  // Each for itself: one that fails is no reason to leave another.
  auto restored = restore_core_pattern(record);
  for (const auto& setting : record.helpers) {
    auto helper = restore_text(setting.file.data(), setting.ours.data(), setting.previous.data());
    if (!helper) restored = std::move(helper);
  }
  return restored;
}

Result<Ok> remove_trace(const wire::GuardRecord& record, int broker) {
  if (record.traces == 0) return Ok{};
  constexpr int kBrokerEnds = 5'000;
  pollfd gone{.fd = broker, .events = 0};
  (void)::poll(&gone, 1, kBrokerEnds);
  return kernel::remove_trace_instance();
}

}  // namespace upcall::launcher
