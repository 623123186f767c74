// SPDX-License-Identifier: Apache-2.0
// The entry point that libFuzzer and the replay share. A body ends the process when a promise is
// broken: neither of them knows any other way to fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace upcall::fuzz {

inline void must(bool promise) {
  if (!promise) std::abort();
}

}  // namespace upcall::fuzz
