// SPDX-License-Identifier: Apache-2.0
// Uevents that go to containers: those that rules bring `to` them, and those of their own devices.
// Each container gets them one after the other, in the order in which the kernel told them; those
// that are slow keep only each other waiting.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "dispatch/recipient.h"
#include "dispatch/services.h"
#include "dispatch/tally.h"
#include "dispatch/uevent_case.h"
#include "origin/record.h"

namespace upcall::dispatch {

class Deliveries {
 public:
  using Running = std::map<std::string, origin::Record>;  // as Containers::running() says

  // `tally` is borrowed; each event ends in it once, when the last container has had it.
  Deliveries(const Services& services, Tally& tally);

  // To whom a rule brings it is found out after those before it, so that none overtakes another.
  void take(std::unique_ptr<UeventCase> event);
  // What is not under way any more goes nowhere.
  void stop();
  // What is remembered of those that have gone.
  void forget_idle(const Running& running);

 private:
  // One event on its way to several.
  struct Letter {
    std::unique_ptr<UeventCase> event;
    bool sorted{};  // all that it goes to have it in their boxes
    std::size_t undelivered{};
    bool all_succeeded{true};
  };
  using Letters = std::deque<std::shared_ptr<Letter>>;
  struct Box {
    origin::Record record;
    Letters letters;       // the first is being delivered
    std::size_t missed{};  // since there was last room
    unsigned on_trial{};   // how many quick runs it owes, since it had a slow one
    std::string problem;   // why it was not reached, when last tried
  };

  [[nodiscard]] asio::awaitable<void> sort();
  void sort(const std::shared_ptr<Letter>& letter, const Running& running);
  void put(const origin::Record& record, const std::shared_ptr<Letter>& letter);
  [[nodiscard]] asio::awaitable<void> empty(pid_t init);
  // Whether every handler succeeded, or the container is none of the rule's.
  [[nodiscard]] asio::awaitable<bool> deliver(Box& box, UeventCase& event);
  [[nodiscard]] asio::awaitable<bool> bring(Box& box, UeventCase& event);
  void delivered(Letter& letter, bool succeeded);
  void end_if_delivered(const Letter& letter);
  // All but the one that is being delivered.
  void give_up_waiting(Box& box);

  Services services_;
  Tally& tally_;
  Semaphore share_;
  Semaphore slow_share_;
  Letters unsorted_;
  std::map<pid_t, Box> boxes_;  // by the container's init
  bool sorting_{};
  std::size_t refused_{};  // that came while too many were unsorted
  bool stopping_{};
};

}  // namespace upcall::dispatch
