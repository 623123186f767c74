// SPDX-License-Identifier: Apache-2.0
// What the shim does in the place of a module loader or of any other helper: it asks the broker,
// and then becomes the stock helper, or ends.
#pragma once

#include <sys/uio.h>

#include <span>

#include "shims/options.h"
#include "wire/shim.h"

namespace upcall::shim {

// What a helper ends with that is denied: the kernel takes success for done.
inline constexpr int kDenied = 1;

struct HelperPatience {
  long taken_seconds{};   // for a broker to take the call
  long answer_seconds{};  // and then for its answer
};

class HelperCall {
 public:
  // `arguments` begin with the name of the helper. All is borrowed.
  HelperCall(const Options& options, HelperPatience patience, std::span<char*> arguments,
             char* const* environment)
      : options_{options}, patience_{patience}, arguments_{arguments}, environment_{environment} {}

  // Sends `message`, obeys the answer, and gives the exit status.
  [[nodiscard]] int serve(std::span<const iovec> message);
  // With the stock helper in our place: the same process, and what the kernel gave it. Returns only
  // where there is none.
  [[nodiscard]] int run_stock();

 private:
  [[nodiscard]] int obey(int socket);
  [[nodiscard]] int go_around(long failure);

  Options options_;
  HelperPatience patience_;
  std::span<char*> arguments_;
  char* const* environment_;
  wire::HelperAnswer answer_;
};

}  // namespace upcall::shim
