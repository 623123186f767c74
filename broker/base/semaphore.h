// SPDX-License-Identifier: Apache-2.0
// A counting semaphore for the coroutines of one thread: how every queue here is bounded. First
// come, first served.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

#include "base/asio.h"

namespace upcall {

class Semaphore {
 public:
  // One of its places, until destroyed. Must not outlive the semaphore.
  class Permit {
   public:
    Permit() = default;
    explicit Permit(Semaphore& semaphore) : semaphore_{&semaphore} {}
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;
    Permit(Permit&& other) noexcept : semaphore_{std::exchange(other.semaphore_, nullptr)} {}
    Permit& operator=(Permit&& other) noexcept {
      Permit taken{std::move(other)};
      std::swap(semaphore_, taken.semaphore_);
      return *this;
    }
    ~Permit() {
      if (semaphore_ != nullptr) semaphore_->give_back();
    }

   private:
    Semaphore* semaphore_{};
  };

  Semaphore(asio::io_context& io, std::size_t places) : io_{io}, places_{places}, free_{places} {}

  [[nodiscard]] asio::awaitable<Permit> acquire() {
    if (free_ > 0) {
      --free_;
      co_return Permit{*this};
    }
    const auto turn = std::make_shared<Turn>(io_);
    waiting_.push_back(turn);
    boost::system::error_code ec;
    while (!turn->come)
      co_await turn->signal.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    co_return Permit{*this};
  }

  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] bool exhausted() const { return free_ == 0; }
  [[nodiscard]] bool idle() const { return free_ == places_; }

 private:
  struct Turn {
    explicit Turn(asio::io_context& io) : signal{io, asio::steady_timer::time_point::max()} {}
    asio::steady_timer signal;
    bool come{false};
  };

  // Ends the program where memory runs out: nobody could be told.
  // NOLINTNEXTLINE(bugprone-exception-escape)
  void give_back() noexcept {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    const auto next = std::move(waiting_.front());
    waiting_.pop_front();
    next->come = true;
    next->signal.cancel();
  }

  asio::io_context& io_;
  std::size_t places_;
  std::size_t free_;
  std::deque<std::shared_ptr<Turn>> waiting_;
};

}  // namespace upcall
