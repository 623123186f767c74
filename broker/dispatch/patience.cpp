// SPDX-License-Identifier: Apache-2.0
#include "dispatch/patience.h"

#include "base/limits.h"
#include "kernel/proc.h"

namespace upcall::dispatch {

// No pidfd tells of it: the process does not end while it waits for the key.
bool is_over(const Wait& wait, int proc) {
  if (std::chrono::steady_clock::now() >= wait.deadline) return true;
  if (wait.status.empty()) return false;
  const auto status = kernel::read_proc(proc, wait.status);
  return !status || kernel::parse_killed(*status);
}

Patience::Patience(const Services& services, std::shared_ptr<launcher::Run> run, Wait wait)
    : launcher_{services.launcher},
      proc_{services.proc},
      run_{std::move(run)},
      wait_{std::move(wait)},
      next_look_{services.io} {}

asio::awaitable<void> Patience::watch(std::shared_ptr<Patience> patience) {
  boost::system::error_code ec;
  while (!patience->ended_) {
    patience->next_look_.expires_after(limits::kLookForKilled);
    co_await patience->next_look_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    if (patience->ended_ || !is_over(patience->wait_, patience->proc_)) continue;
    co_await patience->launcher_.kill(*patience->run_);
    co_return;
  }
}

void Patience::end() {
  ended_ = true;
  next_look_.cancel();
}

}  // namespace upcall::dispatch
