// SPDX-License-Identifier: Apache-2.0
#include "launcher/key_request.h"

#include <sys/fsuid.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/broken.h"
#include "base/text.h"
#include "launcher/stranger.h"

namespace upcall::launcher {
namespace {

// For the shim, whose group is ours. Root of a container without a user namespace is in the same
// one to the kernel: while the landing is open it could unlink what lands, did it know the serial,
// which nobody can see, and never read or take it.
constexpr std::uint32_t kOpen = kernel::kPossessorAll | kernel::kGroupWrite;
constexpr std::uint32_t kClosed = kernel::kPossessorAll;
constexpr auto kSame = static_cast<uid_t>(-1);

// For as long as it lives, what this thread makes is somebody's of his own (stranger.h).
class AsKeyOwner {
 public:
  AsKeyOwner() : own_{::setfsuid(choose_stranger())} {}
  AsKeyOwner(const AsKeyOwner&) = delete;
  AsKeyOwner& operator=(const AsKeyOwner&) = delete;
  ~AsKeyOwner() { ::setfsuid(static_cast<uid_t>(own_)); }

 private:
  int own_;
};

Result<kernel::KeySerial> add_landing(const std::string& name) {
  const AsKeyOwner owner;
  auto keyring = kernel::add_keyring(name, kernel::kSessionKeyring);
  if (!keyring) return keyring;
  const auto set = kernel::set_key_permissions(*keyring, kOpen);
  if (set) return keyring;
  static_cast<void>(kernel::unlink_key(*keyring, kernel::kSessionKeyring));
  return set.error();
}

// For as long as it lives, this thread has the authority: what it looks at then is the requester's.
class Assumed {
 public:
  explicit Assumed(kernel::KeySerial key) : assumed_{kernel::assume_authority(key)} {}
  Assumed(const Assumed&) = delete;
  Assumed& operator=(const Assumed&) = delete;
  ~Assumed() {
    if (assumed_) static_cast<void>(kernel::drop_authority());
  }
  [[nodiscard]] const Result<Ok>& result() const { return assumed_; }

 private:
  Result<Ok> assumed_;
};

bool is_quota(const Result<kernel::KeySerial>& result) {
  return !result && result.error().code.value() == EDQUOT;
}

// The description of an authority key is the serial of its target.
Result<kernel::KeySerial> target_of(kernel::KeySerial authority) {
  const auto described = kernel::describe_key(authority);
  if (!described) return described.error();
  const auto key = parse_integer<kernel::KeySerial>(described->description, 16);
  if (described->type != kernel::kAuthorityType || !key) {
    return from_errno("take a key for an authority", EBADMSG);
  }
  return *key;
}

Result<Ok> read_target(KeyRequest& request) {
  const Assumed assumed{request.key};
  if (!assumed.result()) return assumed.result().error();
  auto described = kernel::describe_key(request.key);
  if (!described) return described.error();
  request.described = *std::move(described);
  // Without one, nothing is known of where it goes.
  if (auto destination = kernel::describe_key(kernel::kRequestorKeyring)) {
    request.destination = std::move(destination->description);
  }
  return Ok{};
}

}  // namespace

Result<Ok> isolate_keys() {
  const uid_t own = ::getuid();
  if (!broken::kParent && ::setresuid(choose_stranger(), kSame, kSame) != 0)
    return from_errno("become another user");
  const auto keyring = kernel::join_new_session_keyring();
  if (::setresuid(own, kSame, kSame) != 0) return from_errno("become root again");
  if (!keyring && keyring.error().code == std::errc::function_not_supported) return Ok{};
  if (!keyring) return keyring.error();
  return kernel::set_key_permissions(*keyring, kernel::kPossessorAll);
}

Result<Landing> Landing::make(std::uint64_t number) {
  const auto name = "upcall.landing." + std::to_string(number);
  auto keyring = add_landing(name);
  for (int i = 1; i < kStrangers && is_quota(keyring); ++i) keyring = add_landing(name);
  if (!keyring) return keyring.error();
  return Landing{*keyring};
}

Landing::~Landing() {
  if (keyring_ != 0) static_cast<void>(kernel::unlink_key(keyring_, kernel::kSessionKeyring));
}

Result<Ok> Landing::close() const { return kernel::set_key_permissions(keyring_, kClosed); }

Result<kernel::KeySerial> Landing::authority() const {
  const auto keys = kernel::read_keyring(keyring_);
  if (!keys) return keys.error();
  if (keys->size() != 1) return from_errno("find one authority where one should land", EBADMSG);
  return keys->front();
}

Result<pid_t> Landing::requester_of(kernel::KeySerial authority) const {
  if (!requester_ || requester_->first != authority)
    return from_errno("find who requested a key", ESRCH);
  return requester_->second;
}

Result<kernel::KeySerial> Landings::add() {
  auto* const free = std::ranges::find_if(waiting_, [](const auto& one) { return !one; });
  if (free == waiting_.end()) return from_errno("make one more landing", EAGAIN);
  auto landing = Landing::make(++last_number_);
  if (!landing) return landing.error();
  *free = *std::move(landing);
  return (*free)->keyring();
}

std::optional<Landing> Landings::take(kernel::KeySerial keyring) {
  for (auto& landing : waiting_) {
    if (landing && landing->keyring() == keyring) return std::exchange(landing, std::nullopt);
  }
  return {};
}

std::optional<Landing> Landings::take_landed(kernel::KeySerial keyring) {
  const bool known = std::ranges::any_of(waiting_, [&](const auto& one) {
    return one && one->keyring() == keyring && one->knows_requester();
  });
  if (!known) find_requesters();
  return take(keyring);
}

void Landings::find_requesters() {
  std::vector<std::pair<Landing*, kernel::KeySerial>> landed;
  std::vector<kernel::KeySerial> authorities;
  for (auto& landing : waiting_) {
    if (!landing || landing->knows_requester()) continue;
    const auto authority = landing->authority();
    if (!authority) continue;
    landed.emplace_back(&*landing, *authority);
    authorities.push_back(*authority);
  }
  if (authorities.empty()) return;
  const auto search = kernel::search_requesters(authorities);
  if (!search) return;
  for (const auto& [landing, authority] : landed) {
    if (const auto tid = search->found(authority)) landing->note_requester(authority, *tid);
  }
}

Result<KeyRequest> read_key_request(Landing landing) {
  if (const auto closed = landing.close(); !closed) return closed.error();
  const auto authority = landing.authority();
  if (!authority) return authority.error();
  const auto key = target_of(*authority);
  if (!key) return key.error();
  KeyRequest request{.landing = std::move(landing), .authority = *authority, .key = *key};
  if (const auto read = read_target(request); !read) return read.error();
  auto callout = kernel::read_key(request.authority);
  if (!callout) return callout.error();
  if (callout->size() > wire::kMaxCallout) return from_errno("take so much callout", EFBIG);
  request.callout = *std::move(callout);
  return request;
}

Result<Ok> check_unanswered(const KeyRequest& request) {
  const auto callout = kernel::read_key(request.authority);
  if (!callout) return callout.error();
  return Ok{};
}

}  // namespace upcall::launcher
