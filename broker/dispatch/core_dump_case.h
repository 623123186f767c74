// SPDX-License-Identifier: Apache-2.0
// One core dump in the broker, from its arrival to its outcome. Read handle() first: it is the
// story.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "dispatch/conversation.h"
#include "dispatch/pass.h"
#include "dispatch/services.h"
#include "dispatch/tally.h"
#include "event/event.h"
#include "origin/resolve.h"
#include "policy/decide.h"
#include "sources/core_dump_arrival.h"

namespace upcall::dispatch {

// What only core dumps need.
struct CoreDumpSetup {
  PassRows pass;
  std::function<void()> self_test_arrived;
  pid_t self_test{};
};

class CoreDumpCase {
 public:
  CoreDumpCase(const Services& services, const CoreDumpSetup& setup, event::EventId id,
               sources::CoreDumpArrival arrival);

  // Afterwards the process is released, whatever happened.
  [[nodiscard]] asio::awaitable<Outcome> handle();

 private:
  [[nodiscard]] Result<pid_t> find_thread() const;
  [[nodiscard]] std::string thread_directory() const;  // of the dumping thread, below /proc
  // Takes a place, captures the process and learns whose it is.
  [[nodiscard]] asio::awaitable<Result<Ok>> identify();
  // Waits without a capture, of which there are only so many for everybody, for the origin's share.
  [[nodiscard]] asio::awaitable<Result<Ok>> wait_for_share();
  [[nodiscard]] asio::awaitable<void> let_go_of_capture();
  void look_at_thread();
  [[nodiscard]] origin::Subject subject() const;
  [[nodiscard]] Result<Ok> learn(launcher::Captured captured);
  [[nodiscard]] bool needs_details() const;
  [[nodiscard]] asio::awaitable<void> learn_details();
  [[nodiscard]] asio::awaitable<Outcome> decide_and_act();
  [[nodiscard]] asio::awaitable<Outcome> pass();
  [[nodiscard]] asio::awaitable<Outcome> run_all();
  // Whether the handler succeeded.
  [[nodiscard]] asio::awaitable<bool> run(std::uint32_t row);
  [[nodiscard]] Outcome lose(const Error& error) const;
  [[nodiscard]] event::CoreDump& detail() { return std::get<event::CoreDump>(event_.detail); }

  const Services& services_;
  const CoreDumpSetup& setup_;
  sources::CoreDumpArrival arrival_;
  Conversation conversation_;
  std::string cgroup_;
  std::uint64_t core_limit_{};
  Result<origin::Sight> seen_{origin::Sight{}};
  Semaphore::Permit handling_;
  Semaphore::Permit place_;
  Semaphore::Permit share_;
  std::optional<std::uint32_t> capture_;
  event::Event event_;
  policy::Decision decision_;
  bool core_given_{
      false};  // the stream has gone to a handler, and what is left of it is not a core
};

}  // namespace upcall::dispatch
