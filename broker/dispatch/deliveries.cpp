// SPDX-License-Identifier: Apache-2.0
#include "dispatch/deliveries.h"

#include <set>

#include "base/limits.h"
#include "base/log.h"
#include "policy/decide.h"

namespace upcall::dispatch {
Deliveries::Deliveries(const Services& services, Tally& tally)
    : services_{services},
      tally_{tally},
      share_{services.io, limits::kDeliveriesRunning},
      slow_share_{services.io, limits::kSlowDeliveries} {}

void Deliveries::take(std::unique_ptr<UeventCase> event) {
  auto letter = std::make_shared<Letter>(Letter{.event = std::move(event)});
  if (const auto* owner = letter->event->owner()) {
    put(owner->record, letter);
    letter->sorted = true;
    end_if_delivered(*letter);
    return;
  }
  if (unsorted_.size() >= limits::kUeventsWaiting) {
    if (refused_++ == 0)
      log::error("uevents: too many wait for their containers, so what comes now goes to none");
    tally_.end(letter->event->id(), Outcome::failed, letter->event->arrived());
    return;
  }
  unsorted_.push_back(std::move(letter));
  if (!sorting_) start_loop(services_.io, sort());
  sorting_ = true;
}

void Deliveries::stop() {
  stopping_ = true;
  for (auto& [init, box] : boxes_) give_up_waiting(box);
}

// Who runs is looked up once for all that have come by then.
asio::awaitable<void> Deliveries::sort() {
  while (!unsorted_.empty()) {
    const auto running = co_await services_.containers.running();
    std::size_t compared = 0;
    for (auto left = unsorted_.size(); left > 0; --left) {
      sort(unsorted_.front(), running);
      unsorted_.pop_front();
      compared += running.size();
      if (compared < limits::kSortedAtOnce) continue;
      compared = 0;
      co_await asio::post(services_.io, asio::use_awaitable);
    }
    forget_idle(running);
  }
  sorting_ = false;
  if (refused_ > 0) log::error("uevents: " + std::to_string(refused_) + " went to no container");
  refused_ = 0;
}

void Deliveries::sort(const std::shared_ptr<Letter>& letter, const Running& running) {
  for (const auto& [path, record] : running) {
    if (policy::may_be_among(services_.policy, letter->event->rule().to, record.container))
      put(record, letter);
  }
  letter->sorted = true;
  end_if_delivered(*letter);
}

void Deliveries::put(const origin::Record& record, const std::shared_ptr<Letter>& letter) {
  auto& box = boxes_[record.init];
  if (box.record.start_time > record.start_time) return;  // that one is gone
  // One that is gone had this number.
  if (box.record.start_time != record.start_time) give_up_waiting(box);
  if (stopping_ || box.letters.size() >= limits::kUeventsForEach) {
    letter->all_succeeded = false;
    if (!stopping_ && box.missed++ == 0)
      log::error("uevents: too many wait for " + name_of(record) + ", which misses what comes now");
    return;
  }
  if (box.missed > 0 && box.letters.size() < limits::kUeventsForEach / 2) {
    log::error("uevents: " + name_of(record) + " has missed " + std::to_string(box.missed));
    box.missed = 0;
  }
  box.record = record;
  box.letters.push_back(letter);
  ++letter->undelivered;
  if (box.letters.size() == 1) start_loop(services_.io, empty(record.init));
}

// Nobody forgets the box of one on trial, or with a problem, before its container is gone.
asio::awaitable<void> Deliveries::empty(pid_t init) {
  const auto box = boxes_.find(init);
  auto& letters = box->second.letters;
  while (!letters.empty()) {
    const auto letter = letters.front();
    const bool succeeded = co_await deliver(box->second, *letter->event);
    delivered(*letter, succeeded);
    letters.pop_front();
  }
  if (box->second.on_trial == 0 && box->second.problem.empty()) boxes_.erase(box);
}

asio::awaitable<bool> Deliveries::deliver(Box& box, UeventCase& event) {
  auto slow = Semaphore::Permit{};
  if (box.on_trial > 0) slow = co_await slow_share_.acquire();
  const auto share = co_await share_.acquire();
  const auto handling = co_await services_.handling.acquire();
  const auto place = co_await services_.running.acquire();
  if (stopping_) co_return false;
  const auto begin = std::chrono::steady_clock::now();
  const bool succeeded = co_await bring(box, event);
  const bool was_slow = std::chrono::steady_clock::now() - begin > limits::kSlowDelivery;
  if (was_slow) {
    box.on_trial = limits::kQuickDeliveries;
  } else if (box.on_trial > 0) {
    --box.on_trial;
  }
  co_return succeeded;
}

asio::awaitable<bool> Deliveries::bring(Box& box, UeventCase& event) {
  // The box may be another's by now, who had this number before.
  const auto* owner = event.owner();
  const auto recipient =
      co_await hold_container(services_, owner != nullptr ? owner->record : box.record);
  if (!recipient && is_gone(recipient.error())) co_return true;
  const auto problem = recipient ? std::string{} : upcall::describe(recipient.error());
  const bool is_new = problem != box.problem;
  box.problem = problem;
  if (!recipient) {
    if (is_new) log::warning("uevents do not reach " + name_of(box.record) + ": " + problem);
    co_return false;
  }
  bool succeeded = true;
  if (policy::is_among(policy::places_of(event.rule()), recipient->selector))
    succeeded = co_await event.run_handlers(&*recipient);
  co_await services_.launcher.release(recipient->capture);
  co_return succeeded;
}

void Deliveries::delivered(Letter& letter, bool succeeded) {
  letter.all_succeeded = letter.all_succeeded && succeeded;
  --letter.undelivered;
  end_if_delivered(letter);
}

void Deliveries::end_if_delivered(const Letter& letter) {
  if (!letter.sorted || letter.undelivered > 0) return;
  tally_.end(letter.event->id(), letter.all_succeeded ? Outcome::handled : Outcome::failed,
             letter.event->arrived());
}

void Deliveries::give_up_waiting(Box& box) {
  if (box.letters.size() < 2) return;
  log::warning("uevents: " + std::to_string(box.letters.size() - 1) + " have not reached " +
               name_of(box.record));
  while (box.letters.size() > 1) {
    const auto letter = std::move(box.letters.back());
    box.letters.pop_back();
    delivered(*letter, false);
  }
}

void Deliveries::forget_idle(const Running& running) {
  std::set<pid_t> inits;
  for (const auto& [path, record] : running) inits.insert(record.init);
  std::erase_if(boxes_, [&](const auto& one) {
    return one.second.letters.empty() && !inits.contains(one.first);
  });
}

}  // namespace upcall::dispatch
