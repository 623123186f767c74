// SPDX-License-Identifier: Apache-2.0
// Input: a pattern, a NUL, a text.
#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  const std::string_view pattern = upcall::take_until(text, '\0');

  (void)upcall::glob_matches(pattern, text);
  upcall::fuzz::must(upcall::glob_matches("**", text));
  const auto is_shown = [](char c) { return c >= 0x20 && c < 0x7f; };
  upcall::fuzz::must(std::ranges::all_of(upcall::printable(text), is_shown));
  return 0;
}
