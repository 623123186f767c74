// SPDX-License-Identifier: Apache-2.0
// The life of a core dump in the broker, from its arrival to the line that says what became of it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "base/asio.h"
#include "base/semaphore.h"
#include "dispatch/conversation.h"
#include "dispatch/describe.h"
#include "dispatch/pass.h"
#include "event/event.h"
#include "launcher/client.h"
#include "policy/policy.h"
#include "sources/core_dump_arrival.h"

namespace upcall::dispatch {

enum class Outcome : std::uint8_t {
  handled,   // every handler of the rule succeeded
  failed,    // one did not; on_failure has run if there is one
  rejected,  // by policy
  passed,    // to what was there before
  lost,      // not even decided: the process was gone, or something of ours failed
  self_test,
};
inline constexpr std::size_t kOutcomes = 6;
[[nodiscard]] const char* name_of(Outcome outcome);

struct Counters {
  std::uint64_t arrived{};
  std::array<std::uint64_t, kOutcomes> outcomes{};
};

class CoreDumps {
 public:
  struct Parts {
    asio::io_context& io;
    launcher::Client& launcher;
    const policy::Policy& policy;
    PassRows pass;
    int proc{};  // borrowed descriptor of /proc
    std::function<void()> self_test_arrived;
  };
  explicit CoreDumps(Parts parts);

  void take(sources::CoreDumpArrival arrival);
  // A dump of this process is upcalld's own test, answered before the policy is asked.
  void expect_self_test(pid_t pid) { self_test_ = pid; }
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] bool idle() const { return active_ == 0; }
  // Called whenever the last active one has ended.
  void on_idle(std::function<void()> idle) { on_idle_ = std::move(idle); }

 private:
  struct Case;
  [[nodiscard]] asio::awaitable<void> serve(sources::CoreDumpArrival arrival);
  [[nodiscard]] asio::awaitable<Outcome> handle(Case& dump);
  [[nodiscard]] asio::awaitable<Outcome> handle_captured(Case& dump);
  [[nodiscard]] Result<Ok> learn(Case& dump, launcher::Captured captured);
  [[nodiscard]] static asio::awaitable<void> learn_details(Case& dump);
  [[nodiscard]] asio::awaitable<Outcome> pass(Case& dump);
  [[nodiscard]] asio::awaitable<Outcome> run_all(Case& dump);
  [[nodiscard]] asio::awaitable<bool> run(Case& dump, std::uint32_t row);
  void account(const Case& dump, Outcome outcome);

  Parts parts_;
  Semaphore running_;
  Counters counters_;
  std::uint64_t next_id_{1};
  std::size_t active_{0};
  pid_t self_test_{0};
  std::function<void()> on_idle_;
};

}  // namespace upcall::dispatch
