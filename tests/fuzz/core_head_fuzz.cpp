// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>
#include <span>

#include "fuzz.h"
#include "kernel/core_head.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto answer = upcall::kernel::parse_fatal_signal(std::as_bytes(std::span{data, size}));
  // Whatever is read must have been there: a head that is cut by one byte cannot tell more.
  if (std::holds_alternative<upcall::kernel::FatalSignal>(answer) && size < 64) std::abort();
  return 0;
}
