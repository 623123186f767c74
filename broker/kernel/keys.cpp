// SPDX-License-Identifier: Apache-2.0
#include "kernel/keys.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.h"
#include "base/unique_fd.h"

namespace upcall::kernel {
namespace {

static_assert(kSessionKeyring == KEY_SPEC_SESSION_KEYRING &&
              kRequestorKeyring == KEY_SPEC_REQUESTOR_KEYRING);

// No line of an authority key is longer; of others' longer ones, the rest is of no interest.
constexpr std::size_t kLine = 128;

template <class... Args>
long keyctl(int operation, Args... args) {
  return ::syscall(SYS_keyctl, operation, args...);
}

template <class... Args>
Result<Ok> change(const char* doing, int operation, Args... args) {
  if (keyctl(operation, args...) < 0) return from_errno(doing);
  return Ok{};
}

// KEYCTL_READ and KEYCTL_DESCRIBE tell how much there is, whatever the buffer has room for.
Result<std::string> fetch(const char* doing, int operation, KeySerial key) {
  std::string text(256, '\0');
  for (;;) {
    const long size = keyctl(operation, key, text.data(), text.size());
    if (size < 0) return from_errno(doing);
    const auto wanted = static_cast<std::size_t>(size);
    const bool whole = wanted <= text.size();
    text.resize(wanted);
    if (whole) return text;
  }
}

// The thread of a line such as
// "39530b0c I------ 2 perm 1b010000 101000 101000 .request_ key:1b7a9aec pid:15992 ci:9".
std::optional<pid_t> parse_tid(std::string_view line) {
  constexpr std::string_view kPid = "pid:";
  for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
    if (word.starts_with(kPid)) return parse_integer<pid_t>(word.substr(kPid.size()));
  }
  return {};
}

}  // namespace

std::optional<KeyDescription> parse_key_description(std::string_view text) {
  KeyDescription key;
  key.type = take_until(text, ';');
  const auto uid = parse_integer<std::uint32_t>(take_until(text, ';'));
  const auto gid = parse_integer<std::uint32_t>(take_until(text, ';'));
  const auto permissions = parse_integer<std::uint32_t>(take_until(text, ';'), 16);
  if (key.type.empty() || !uid || !gid || !permissions) return {};
  key.uid = *uid;
  key.gid = *gid;
  key.permissions = *permissions;
  key.description = text;
  return key;
}

Result<KeySerial> join_new_session_keyring() {
  const long keyring = keyctl(KEYCTL_JOIN_SESSION_KEYRING, nullptr);
  if (keyring < 0) return from_errno("make a session keyring");
  return static_cast<KeySerial>(keyring);
}

Result<KeySerial> add_keyring(const std::string& name, KeySerial into) {
  const long keyring = ::syscall(SYS_add_key, "keyring", name.c_str(), nullptr, 0, into);
  if (keyring < 0) return from_errno("make a keyring");
  return static_cast<KeySerial>(keyring);
}

Result<Ok> set_key_permissions(KeySerial key, std::uint32_t permissions) {
  return change("set the permissions of a key", KEYCTL_SETPERM, key, permissions);
}

Result<Ok> unlink_key(KeySerial key, KeySerial from) {
  return change("unlink a key", KEYCTL_UNLINK, key, from);
}

Result<KeyDescription> describe_key(KeySerial key) {
  const auto text = fetch("describe a key", KEYCTL_DESCRIBE, key);
  if (!text) return text.error();
  auto described = parse_key_description(text->substr(0, text->find('\0')));
  if (!described) return from_errno("understand the description of a key", EBADMSG);
  return *std::move(described);
}

Result<std::string> read_key(KeySerial key) { return fetch("read a key", KEYCTL_READ, key); }

Result<std::vector<KeySerial>> read_keyring(KeySerial keyring) {
  const auto bytes = read_key(keyring);
  if (!bytes) return bytes.error();
  std::vector<KeySerial> keys(bytes->size() / sizeof(KeySerial));
  std::memcpy(keys.data(), bytes->data(), keys.size() * sizeof(KeySerial));
  return keys;
}

Result<Ok> assume_authority(KeySerial key) {
  return change("assume the authority over a key", KEYCTL_ASSUME_AUTHORITY, key);
}

Result<Ok> drop_authority() {
  return change("drop the authority over a key", KEYCTL_ASSUME_AUTHORITY, 0);
}

RequesterSearch::RequesterSearch(std::span<const KeySerial> authorities) {
  wanted_.reserve(authorities.size());
  for (const auto authority : authorities) wanted_.push_back({.authority = authority});
}

void RequesterSearch::take(std::string_view bytes) {
  for (const char c : bytes) {
    if (c == '\n') {
      end_line();
    } else if (line_.size() < kLine) {
      line_ += c;
    }
  }
}

void RequesterSearch::end_line() {
  std::string_view rest{line_};
  if (const auto serial = parse_integer<std::uint32_t>(take_word(rest), 16)) {
    const auto wanted =
        std::ranges::find(wanted_, static_cast<KeySerial>(*serial), &Wanted::authority);
    if (wanted != wanted_.end()) {
      ++wanted->lines;
      wanted->tid = parse_tid(rest);
    }
  }
  line_.clear();
}

std::optional<pid_t> RequesterSearch::found(KeySerial authority) const {
  const auto wanted = std::ranges::find(wanted_, authority, &Wanted::authority);
  if (wanted == wanted_.end() || wanted->lines != 1) return {};
  // 0: of a PID namespace that we do not see.
  return wanted->tid.value_or(0) > 0 ? wanted->tid : std::nullopt;
}

Result<RequesterSearch> search_requesters(std::span<const KeySerial> authorities) {
  const UniqueFd keys{::open("/proc/keys", O_RDONLY | O_CLOEXEC)};
  if (!keys) return from_errno("open '/proc/keys'");
  RequesterSearch search{authorities};
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t size = ::read(keys.get(), buffer.data(), buffer.size());
    if (size < 0) return from_errno("read '/proc/keys'");
    if (size == 0) return search;
    search.take({buffer.data(), static_cast<std::size_t>(size)});
  }
}

}  // namespace upcall::kernel
