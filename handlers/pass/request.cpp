// SPDX-License-Identifier: Apache-2.0
#include "pass/request.h"

#include <cstdlib>

#include "base/text.h"

namespace upcall::pass {
namespace {

std::string_view variable(const char* name) {
  const char* value = ::getenv(name);  // one thread, and nobody changes the environment
  return value != nullptr ? value : "";
}

std::optional<std::int64_t> number(const char* name) {
  return parse_integer<std::int64_t>(variable(name));
}

// Of a pair of names the first that is set: what only some places tell, then what all do.
std::optional<std::int64_t> number(const char* name, const char* other) {
  const auto first = number(name);
  return first ? first : number(other);
}

std::optional<std::uint64_t> core_limit() {
  const auto text = variable("UPCALL_CORE_LIMIT");
  if (text == "unlimited") return UINT64_MAX;
  return parse_integer<std::uint64_t>(text);
}

std::optional<std::int64_t> whole_seconds() {
  auto text = variable("UPCALL_TIME");
  return parse_integer<std::int64_t>(take_until(text, '.'));
}

// `p`, `i` are ids as the process sees them, the others as the host does.
kernel::CoreFacts read_facts() {
  return {.pid = number("UPCALL_INNER_PID", "UPCALL_PID"),
          .global_pid = number("UPCALL_PID"),
          .tid = number("UPCALL_INNER_TID", "UPCALL_TID"),
          .global_tid = number("UPCALL_TID"),
          .uid = number("UPCALL_UID"),
          .gid = number("UPCALL_GID"),
          .dumpable = number("UPCALL_DUMPABLE"),
          .signal = number("UPCALL_SIGNAL_NUMBER"),
          .time = whole_seconds(),
          .core_limit = core_limit(),
          .cpu = number("UPCALL_CPU"),
          .host_name = std::string{variable("UPCALL_HOST_NAME")},
          .comm = std::string{variable("UPCALL_COMM")},
          .exe = std::string{variable("UPCALL_EXE")}};
}

}  // namespace

Result<Request> read_request() {
  const auto pattern = variable("UPCALL_WITH_PATTERN");
  if (pattern.empty()) return from_errno("pass on a core dump without UPCALL_WITH_PATTERN", EINVAL);
  return Request{.pattern = std::string{pattern},
                 .uses_pid = variable("UPCALL_WITH_USES_PID") == "1" ? kernel::CoreUsesPid::yes
                                                                     : kernel::CoreUsesPid::no,
                 .kernel_waits = number("UPCALL_WITH_PIPE_LIMIT").value_or(0) > 0,
                 .facts = read_facts(),
                 .pidfd = static_cast<int>(number("UPCALL_PIDFD").value_or(-1))};
}

}  // namespace upcall::pass
