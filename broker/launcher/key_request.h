// SPDX-License-Identifier: Apache-2.0
// The authority over a key under construction: how it comes from upcall-shim, whom the kernel gave
// it, to us, and what it lets us read. The launcher is the only one of ours that may, and neither
// the broker nor, unless its row says so, any handler ever holds it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "kernel/keys.h"
#include "wire/launcher.h"

namespace upcall::launcher {

// A session keyring of our own, which no other process has: what is linked to it, we possess. No
// handler inherits it (confine.cpp).
[[nodiscard]] Result<Ok> isolate_keys();

// A keyring in our session's, for one authority; gone, and with it the authority, when destroyed.
class Landing {
 public:
  // Until close(), root may link keys to it, and do nothing else with it. No two have one number: a
  // keyring takes the place of another of its name.
  [[nodiscard]] static Result<Landing> make(std::uint64_t number);
  Landing(const Landing&) = delete;
  Landing& operator=(const Landing&) = delete;
  Landing(Landing&& other) noexcept
      : keyring_{std::exchange(other.keyring_, 0)}, requester_{std::move(other.requester_)} {}
  Landing& operator=(Landing&& other) noexcept {
    std::swap(keyring_, other.keyring_);
    std::swap(requester_, other.requester_);
    return *this;
  }
  ~Landing();

  [[nodiscard]] kernel::KeySerial keyring() const { return keyring_; }
  [[nodiscard]] Result<Ok> close() const;
  // EBADMSG unless exactly one has landed.
  [[nodiscard]] Result<kernel::KeySerial> authority() const;

  // The thread that waits for what this authority is to answer, by /proc/keys: the kernel never
  // changes it.
  void note_requester(kernel::KeySerial authority, pid_t tid) { requester_ = {authority, tid}; }
  [[nodiscard]] bool knows_requester() const { return requester_.has_value(); }
  // ESRCH when /proc/keys did not tell, or more than one, or of another authority.
  [[nodiscard]] Result<pid_t> requester_of(kernel::KeySerial authority) const;

 private:
  explicit Landing(kernel::KeySerial keyring) : keyring_{keyring} {}
  kernel::KeySerial keyring_;
  std::optional<std::pair<kernel::KeySerial, pid_t>> requester_;
};

// Those that wait for their authority.
class Landings {
 public:
  // EAGAIN when too many wait.
  [[nodiscard]] Result<kernel::KeySerial> add();
  [[nodiscard]] std::optional<Landing> take(kernel::KeySerial keyring);
  // The same once something has landed there, and with its requester if that is to be found. Those
  // of all others are looked for at the same time, since it takes as long for one as for all.
  [[nodiscard]] std::optional<Landing> take_landed(kernel::KeySerial keyring);

 private:
  void find_requesters();

  std::array<std::optional<Landing>, wire::kMaxCaptures> waiting_;
  std::uint64_t last_number_{};
};

struct KeyRequest {
  Landing landing;
  kernel::KeySerial authority{};
  kernel::KeySerial key{};
  kernel::KeyDescription described;
  std::string destination;  // description of the keyring that the key goes to
  std::string callout;
};

// EBADMSG unless exactly one authority has landed, for a key that still waits for its answer.
[[nodiscard]] Result<KeyRequest> read_key_request(Landing landing);
// EKEYREVOKED and the like once the request has been answered.
[[nodiscard]] Result<Ok> check_unanswered(const KeyRequest& request);

}  // namespace upcall::launcher
