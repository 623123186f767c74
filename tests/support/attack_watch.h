// SPDX-License-Identifier: Apache-2.0
// An attacker who crashes a process of his own, catches the handler that comes, before its exec or
// after, and tries everything on it.
#pragma once

#include <string>
#include <vector>

namespace upcall::testing {

struct WatchOptions {
  // The handler's own program: a lease on it holds the handler within its exec for as long as we
  // like.
  std::string lease;
  bool wait_for_go{};                // with the lease: until standard input has a byte or ends
  std::string launcher{"launcher"};  // the name of a handler before its exec
  std::string parent{"0"};           // of a handler, as it is seen from here
  std::string search;                // a text to look for in the memory of the handler that is held
  std::vector<std::string> crash;    // the command that crashes
};

// Prints one line of JSON for each phase in which the handler was caught, and one for the time
// after its end. Whether it caught any is the exit status.
int watch(const WatchOptions& options);

}  // namespace upcall::testing
