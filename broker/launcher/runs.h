// SPDX-License-Identifier: Apache-2.0
// The handlers that run: a fixed table. Each entry watches its stage 1 without ever waiting for it,
// ends its handler when the time is up, reaps both, and tells the broker.
#pragma once

#include <signal.h>
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/unique_fd.h"
#include "launcher/outbox.h"
#include "launcher/spawn.h"
#include "wire/launcher.h"

namespace upcall::launcher {

using Clock = std::chrono::steady_clock;

// From the clone of stage 1 to the handler's exec. It takes a quarter of a millisecond; a container
// that is frozen, or whose root directory does not answer, must not hold its table entry for longer
// than this.
inline constexpr std::chrono::seconds kStartTime{5};

class Runs {
 public:
  // Status sockets are watched by `epoll`, with their index as data.
  Runs(int epoll, Outbox& outbox);

  struct Request {
    std::uint64_t id{};
    Clock::time_point arrived;
    std::chrono::milliseconds timeout{};
  };
  void start(const Request& request, Confinement confinement, int cgroup);
  // A run that never came to be.
  void refuse(const Request& request, std::uint32_t rules);
  void give_up(const Request& request, ConfineStep step, int error);

  void on_status(std::size_t index);
  void on_children();
  void on_time(Clock::time_point now);
  [[nodiscard]] std::optional<Clock::time_point> next_deadline() const;

  void kill(std::uint64_t id);
  void kill_all();

 private:
  struct Run {
    Request request;
    std::size_t word{};  // of the table: where its handler's number is
    UniqueFd status;
    pid_t stage1{};
    bool stage1_ended{};  // and reaped at once, when that has been told
    int stage1_status{};
    bool handler_ended{};
    int handler_status{};
    rusage usage{};
    std::optional<ConfineFailure> failure;
    std::optional<wire::RunEnd> killed;  // why we killed it
    Clock::time_point deadline;
    std::optional<Clock::time_point> executed;
  };

  // Killed, and does not die: a container's tracer keeps it, or a file system of its own. Nobody
  // waits for it any more; its number may be used again only once it is reaped.
  struct Lost {
    std::size_t word{};
    pid_t stage1{};
    bool stage1_reaped{};
  };

  // A number in the table that no run, lost or not, has; nothing when so many are lost.
  [[nodiscard]] std::optional<std::size_t> free_word() const;
  void abandon(std::size_t index);
  void forget_lost(pid_t reaped);

  // 0 before its birth.
  [[nodiscard]] pid_t handler_pid(std::size_t index) const;
  [[nodiscard]] bool is_of(std::size_t index, pid_t pid) const;
  void hear(std::size_t index);
  void tell_started(std::size_t index);
  void note_end(std::size_t index, const siginfo_t& info, const rusage& usage);
  void finish_if_over(std::size_t index);
  void kill(std::size_t index, wire::RunEnd why);
  [[nodiscard]] wire::RunEnded end_of(std::size_t index) const;
  void send_end(const Request& request, wire::RunEnded ended);

  int epoll_;
  Outbox& outbox_;
  // Where the kernel writes a handler's pid at its birth: shared with every stage 1.
  std::span<volatile pid_t> pids_;
  std::array<std::optional<Run>, wire::kMaxCaptures> runs_;
  std::vector<Lost> lost_;
};

}  // namespace upcall::launcher
