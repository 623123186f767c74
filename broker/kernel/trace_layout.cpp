// SPDX-License-Identifier: Apache-2.0
#include "kernel/trace_layout.h"

#include <optional>
#include <string>

#include "base/text.h"

namespace upcall::kernel {
namespace {

constexpr std::uint32_t kNumberSize = 4;
constexpr std::uint32_t kPointerSize = 8;

// "key:123;" after `text`'s start.
std::optional<std::uint32_t> number_after(std::string_view line, std::string_view key) {
  const auto at = line.find(key);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + key.size());
  return parse_integer<std::uint32_t>(take_until(line, ';'));
}

// "field:TYPE NAME;" or, of an array, "field:TYPE NAME[16];"
bool declares(std::string_view line, std::string_view name) {
  const auto start = line.find("field:");
  if (start == std::string_view::npos) return false;
  line.remove_prefix(start);
  auto declaration = take_until(line, ';');
  declaration = declaration.substr(declaration.rfind(' ') + 1);
  return take_until(declaration, '[') == name;
}

class Format {
 public:
  explicit Format(std::string_view text) : text_{text} {}

  [[nodiscard]] TraceField field(std::string_view name, std::uint32_t size = 0) {
    for (auto rest = text_; !rest.empty();) {
      const auto line = take_until(rest, '\n');
      if (!declares(line, name)) continue;
      const auto offset = number_after(line, "offset:");
      const auto found = number_after(line, "size:");
      if (offset && found && (size == 0 || *found == size)) return {*offset, *found};
    }
    complete_ = false;
    return {};
  }

  [[nodiscard]] std::uint32_t id() {
    auto rest = text_;
    const auto at = rest.find("\nID: ");
    if (at != std::string_view::npos) {
      rest.remove_prefix(at + 5);
      const auto id = parse_integer<std::uint32_t>(take_until(rest, '\n'));
      if (id && *id != 0) return *id;
    }
    complete_ = false;
    return 0;
  }

  [[nodiscard]] bool complete() const { return complete_; }

 private:
  std::string_view text_;
  bool complete_{true};
};

}  // namespace

Result<TraceLayout> parse_trace_layout(const TraceFormats& formats) {
  Format page{formats.header_page};
  Format queue_work{formats.queue_work};
  Format execute_start{formats.execute_start};
  Format fork{formats.fork};
  Format module_request{formats.module_request};
  TraceLayout layout{
      .commit = page.field("commit"),
      .data = page.field("data"),
      .type = queue_work.field("common_type"),
      .pid = queue_work.field("common_pid", kNumberSize),
      .queue_work = {.id = queue_work.id(), .work = queue_work.field("work", kPointerSize)},
      .execute_start = {.id = execute_start.id(),
                        .work = execute_start.field("work", kPointerSize)},
      .fork = {.id = fork.id(), .child = fork.field("child_pid", kNumberSize)}};
  if (!formats.module_request.empty()) {
    layout.module_request = {.id = module_request.id(),
                             .waits = module_request.field("wait", 1),
                             .name = module_request.field("name", kNumberSize)};
  }
  const bool complete = page.complete() && queue_work.complete() && execute_start.complete() &&
                        fork.complete() && module_request.complete() &&
                        layout.commit.size <= kPointerSize && layout.type.size == 2;
  if (!complete) return from_errno("understand the formats of the kernel's trace events", EBADMSG);
  return layout;
}

}  // namespace upcall::kernel
