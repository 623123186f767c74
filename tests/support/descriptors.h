// SPDX-License-Identifier: Apache-2.0
// The few system calls that all parts of upcall-container need, with errors thrown: whatever goes
// wrong in making a throw-away container ends it.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "base/text.h"
#include "base/unique_fd.h"

namespace upcall::testing {

inline void must(bool succeeded, const std::string& doing) {
  if (!succeeded) throw std::system_error{errno, std::system_category(), "cannot " + doing};
}

// `value` of a call that gives -1 for failure.
template <class T>
T must_get(T value, const std::string& doing) {
  must(value >= 0, doing);
  return value;
}

template <class T>
T must_parse(const std::string& text, int base = 10) {
  const auto value = parse_integer<T>(text, base);
  errno = EINVAL;
  must(value.has_value(), "understand the number '" + text + "'");
  return *value;
}

inline sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  errno = ENAMETOOLONG;
  must(path.size() < sizeof address.sun_path, "use the socket path " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

}  // namespace upcall::testing
