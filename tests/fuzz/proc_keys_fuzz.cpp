// SPDX-License-Identifier: Apache-2.0
// /proc/keys, into which whoever makes a key writes what he likes.
#include <array>
#include <cstdint>
#include <cstdlib>

#include "fuzz.h"
#include "kernel/keys.h"

namespace {

constexpr upcall::kernel::KeySerial kAuthority = 0x39530b0c;
constexpr std::string_view kReal =
    "39530b0c I------     2 perm 1b010000 0 0 .request_ key:1b7a9aec pid:15992 ci:9\n";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  static_cast<void>(upcall::kernel::parse_key_description(text));
  // The kernel ends each key's line: whatever stands before and after, the real one is a line.
  // Nobody can be put in the place of who it names.
  upcall::kernel::RequesterSearch search{std::array{kAuthority}};
  search.take(text);
  search.take("\n");
  search.take(kReal);
  search.take(text);
  search.take("\n");
  const auto found = search.found(kAuthority);
  if (found && *found != 15992) std::abort();
  return 0;
}
