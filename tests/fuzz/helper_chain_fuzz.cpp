// SPDX-License-Identifier: Apache-2.0
// Raw pages of the trace buffers. The kernel writes them; a fault in how we read them is no worse
// than a chain that is not found.
#include <cstdint>
#include <cstdlib>

#include "fuzz.h"
#include "kernel/helper_chain.h"

namespace {

constexpr upcall::kernel::TraceLayout kLayout{
    .commit = {.offset = 8, .size = 8},
    .data = {.offset = 16, .size = 4080},
    .type = {.offset = 0, .size = 2},
    .pid = {.offset = 4, .size = 4},
    .queue_work = {.id = 1, .work = {.offset = 8, .size = 8}},
    .execute_start = {.id = 2, .work = {.offset = 8, .size = 8}},
    .fork = {.id = 3, .child = {.offset = 8, .size = 4}},
    .module_request = {
        .id = 4, .waits = {.offset = 8, .size = 1}, .name = {.offset = 12, .size = 4}}};

}  // namespace

// The first byte says how the rest is cut into two pages.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = std::as_bytes(std::span{data, size}).subspan(1);
  const auto cut = bytes.size() * data[0] / 256;
  upcall::kernel::HelperChain chain{kLayout};
  chain.take(bytes.first(cut));
  chain.take(bytes.subspan(cut));
  chain.settle(UINT64_MAX / 2);
  chain.settle(UINT64_MAX);
  for (pid_t helper = -1; helper < 256; ++helper) {
    const auto* call = chain.find(helper);
    if (call != nullptr && call->module && call->module->name.size() > size) std::abort();
  }
  return 0;
}
