// SPDX-License-Identifier: Apache-2.0
// Any bytes are a table or a refusal; what is a table is written back as the same bytes.
#include <algorithm>
#include <span>

#include "fuzz.h"
#include "wire/handler_table.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span{data, size});
  if (const auto table = upcall::wire::unpack_handlers(bytes)) {
    upcall::fuzz::must(std::ranges::equal(upcall::wire::pack_handlers(*table), bytes));
  }
  return 0;
}
