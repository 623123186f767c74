// SPDX-License-Identifier: Apache-2.0
#include "dispatch/patience.h"

#include <memory>

#include "base/limits.h"
#include "kernel/proc.h"

namespace upcall::dispatch {
namespace {

class Patience {
 public:
  Patience(const Services& services, std::shared_ptr<launcher::Run> run, Wait wait);

  // Shares ownership, since the run's end need not be the loop's.
  [[nodiscard]] static asio::awaitable<void> watch(std::shared_ptr<Patience> patience);
  void end();

 private:
  launcher::Client& launcher_;
  int proc_;
  std::shared_ptr<launcher::Run> run_;
  Wait wait_;
  asio::steady_timer next_look_;
  bool ended_{false};
};

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

}  // namespace

// No pidfd tells of it: the process does not end while it waits for the key.
bool is_over(const Wait& wait, int proc) {
  if (std::chrono::steady_clock::now() >= wait.deadline) return true;
  if (wait.status.empty()) return false;
  const auto status = kernel::read_proc(proc, wait.status);
  return !status || kernel::parse_killed(*status);
}

asio::awaitable<bool> finish_in_time(const Services* services, HandlerRun* run, Wait wait) {
  const auto patience = std::make_shared<Patience>(*services, run->process(), std::move(wait));
  start_loop(services->io, Patience::watch(patience));
  const bool succeeded = co_await run->finish();
  patience->end();
  co_return succeeded;
}

}  // namespace upcall::dispatch
