// SPDX-License-Identifier: Apache-2.0
// Where things are in the kernel's trace ring buffer, as its own files say: events/header_page and
// events/*/*/format. The parsers are pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "base/result.h"

namespace upcall::kernel {

// One field of an event or of a page's head.
struct TraceField {
  std::uint32_t offset{};
  std::uint32_t size{};
};

// Each event is known by its `id`; 0: this kernel has none such.
struct QueueWorkLayout {
  std::uint32_t id{};
  TraceField work;
};
struct ExecuteStartLayout {
  std::uint32_t id{};
  TraceField work;
};
struct ForkLayout {
  std::uint32_t id{};
  TraceField child;
};
struct ModuleRequestLayout {
  std::uint32_t id{};
  TraceField waits;
  TraceField name;  // of 4 bytes, that say where the text is: offset, and length << 16
};

// All that it takes to read the events of helper_chain.h out of raw pages.
struct TraceLayout {
  TraceField commit;  // of a page's head
  TraceField data;
  TraceField type;  // of every event
  TraceField pid;
  QueueWorkLayout queue_work;
  ExecuteStartLayout execute_start;
  ForkLayout fork;
  ModuleRequestLayout module_request;
};
static_assert(std::is_trivially_copyable_v<TraceLayout> && sizeof(TraceLayout) == 88);

// The texts of the kernel's files.
struct TraceFormats {
  std::string_view header_page;
  std::string_view queue_work;
  std::string_view execute_start;
  std::string_view fork;
  std::string_view module_request;  // empty on a kernel without modules
};

// EBADMSG where one lacks what is needed.
[[nodiscard]] Result<TraceLayout> parse_trace_layout(const TraceFormats& formats);

}  // namespace upcall::kernel
