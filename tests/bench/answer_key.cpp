// SPDX-License-Identifier: Apache-2.0
// Answers a key request, for tests/bench/key_latency.py: with KEY KEYRING it instantiates by
// itself, as programs made for request-key(8) do, and else its standard output is the key. Without
// a C library, whose own start would be most of what is measured.
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>

#include <string_view>

#include "shims/system_call.h"
#include "shims/text.h"

// Freestanding, main is a function like any other, and broker/shims/start.cpp calls it.
// NOLINTNEXTLINE(misc-use-internal-linkage)
int main(int argc, char** argv) {
  using namespace upcall::shim;
  static constexpr std::string_view kPayload = "static answer";
  constexpr long kSize = kPayload.size();
  if (argc < 3)
    return system_call(SYS_write, 1, address_of(kPayload.data()), kSize) == kSize ? 0 : 1;
  const long answered = system_call(SYS_keyctl, KEYCTL_INSTANTIATE, parse_number<int>(argv[1]),
                                    address_of(kPayload.data()), kSize, parse_number<int>(argv[2]));
  return answered == 0 ? 0 : 1;
}
