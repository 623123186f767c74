// SPDX-License-Identifier: Apache-2.0
// Keys and keyrings (keyctl(2), request_key(2), keyrings(7)), as a request-key helper needs them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace upcall::kernel {

using KeySerial = std::int32_t;

// Of whoever calls, instead of a serial (<linux/keyctl.h>).
inline constexpr KeySerial kSessionKeyring = -3;
inline constexpr KeySerial kRequestorKeyring = -8;  // where the requested key goes

// Who may do what with a key: the possessor, and the group that it belongs to.
inline constexpr std::uint32_t kPossessorAll = 0x3f000000;
inline constexpr std::uint32_t kGroupWrite = 0x00000400;

// The type of the key by which the kernel hands over the authority to answer a request. Nobody but
// the kernel can make one.
inline constexpr std::string_view kAuthorityType = ".request_key_auth";

// As KEYCTL_DESCRIBE tells it.
struct KeyDescription {
  std::string type;
  std::uint32_t uid{};
  std::uint32_t gid{};
  std::uint32_t permissions{};
  std::string description;  // any bytes but NUL, the choice of whoever made the key
};
[[nodiscard]] std::optional<KeyDescription> parse_key_description(std::string_view text);

// ENOSYS on a kernel without keys.
[[nodiscard]] Result<KeySerial> join_new_session_keyring();
[[nodiscard]] Result<KeySerial> add_keyring(const std::string& name, KeySerial into);
[[nodiscard]] Result<Ok> set_key_permissions(KeySerial key, std::uint32_t permissions);
[[nodiscard]] Result<Ok> unlink_key(KeySerial key, KeySerial from);
[[nodiscard]] Result<KeyDescription> describe_key(KeySerial key);
[[nodiscard]] Result<std::string> read_key(KeySerial key);
[[nodiscard]] Result<std::vector<KeySerial>> read_keyring(KeySerial keyring);

// The calling thread takes the authority over a key under construction, whose authority key it
// possesses, and gives it up again.
[[nodiscard]] Result<Ok> assume_authority(KeySerial key);
[[nodiscard]] Result<Ok> drop_authority();

// Looks in /proc/keys, fed to it in pieces, for the threads that wait for requests: nowhere else
// does the kernel tell them. Descriptions stand there as they are, ends of lines included, so that
// whoever makes a key can write whole lines of his own: one authority key that seems to be there
// twice is there not at all.
class RequesterSearch {
 public:
  explicit RequesterSearch(std::span<const KeySerial> authorities);
  void take(std::string_view bytes);
  // In the initial PID namespace, or nothing.
  [[nodiscard]] std::optional<pid_t> found(KeySerial authority) const;

 private:
  struct Wanted {
    KeySerial authority{};
    int lines{};  // that claim to be of this key
    std::optional<pid_t> tid;
  };
  void end_line();

  std::vector<Wanted> wanted_;
  std::string line_;
};

// By one reading of /proc/keys, for each line of which the kernel looks through all our keyrings.
[[nodiscard]] Result<RequesterSearch> search_requesters(std::span<const KeySerial> authorities);

}  // namespace upcall::kernel
