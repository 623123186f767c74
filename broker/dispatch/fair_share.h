// SPDX-License-Identifier: Apache-2.0
// No container and no user of the host may hold all handlers that can run at once: each has its
// share, and waits for what is beyond it among its own.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "base/asio.h"
#include "base/semaphore.h"
#include "event/event.h"

namespace upcall::dispatch {

class FairShare {
 public:
  // Whose an event is: a container, by a namespace of its own, or else a user of the host.
  struct Key {
    std::uint64_t container{};
    uid_t uid{};
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  [[nodiscard]] static Key key_of(const event::Origin& origin);

  // `running` at once for each key, and `waiting` for those.
  FairShare(asio::io_context& io, std::size_t running, std::size_t waiting)
      : io_{io}, running_{running}, waiting_{waiting} {}

  // Whether acquire() would have to wait.
  [[nodiscard]] bool exhausted(const Key& key) const;
  // Nothing where too many wait already.
  [[nodiscard]] asio::awaitable<std::optional<Semaphore::Permit>> acquire(Key key);

 private:
  [[nodiscard]] Semaphore& share_of(const Key& key);

  asio::io_context& io_;
  std::size_t running_;
  std::size_t waiting_;
  std::map<Key, std::unique_ptr<Semaphore>> shares_;
};

}  // namespace upcall::dispatch
