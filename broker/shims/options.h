// SPDX-License-Identifier: Apache-2.0
// What stands behind a role's "=" in a #! line: SOCKET[,stock=PATH][,absent=reject].
#pragma once

namespace upcall::shim {

struct Options {
  const char* socket{};
  const char* stock{};       // the helper that the kernel would start without us
  bool may_go_around{true};  // to it, where there is no broker
};

// Cuts `text` into pieces. "absent=deny" is the same as "absent=reject".
[[nodiscard]] Options parse_options(char* text);

}  // namespace upcall::shim
