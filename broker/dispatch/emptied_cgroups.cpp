// SPDX-License-Identifier: Apache-2.0
#include "dispatch/emptied_cgroups.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "dispatch/emptied_cgroup_case.h"

namespace upcall::dispatch {

EmptiedCgroups::EmptiedCgroups(Services services)
    : services_{services}, turns_{services.io, limits::kEmptiedRunning} {}

void EmptiedCgroups::take(std::string path) {
  tally_.begin();
  start_loop(services_.io, serve(std::move(path)));
}

asio::awaitable<void> EmptiedCgroups::serve(std::string path) {
  const auto arrived = std::chrono::steady_clock::now();
  const auto id = services_.next_id();
  auto outcome = Outcome::busy;
  if (active_ < limits::kEmptiedWaiting) {
    ++active_;
    EmptiedCgroupCase emptied{services_, turns_, id, std::move(path)};
    outcome = co_await emptied.handle();
    --active_;
  } else if (const auto more = crowded_.say(arrived)) {
    log::warning("event=" + std::to_string(static_cast<std::uint64_t>(id)) + " the cgroup \"" +
                 printable(path) + "\" is empty, as are too many others" + *more);
  }
  tally_.end(id, outcome, arrived);
}

}  // namespace upcall::dispatch
