// SPDX-License-Identifier: Apache-2.0
// A value, or what we could not do and what the kernel said. Start-up code throws (or_throw), code
// that serves an event returns a Result, code between clone and exec reports an errno over a
// socket.
#pragma once

#include <cassert>
#include <cerrno>
#include <source_location>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace upcall {

// `doing` reads after "cannot": "open '/proc/7'".
struct Error {
  std::error_code code;
  std::string doing;
  std::source_location where;
};

[[nodiscard]] inline Error from_errno(
    std::string doing, int err = errno,
    std::source_location where = std::source_location::current()) {
  return {.code = {err, std::system_category()}, .doing = std::move(doing), .where = where};
}

// "cannot open '/proc/7': No such file or directory"
[[nodiscard]] inline std::string describe(const Error& error) {
  return "cannot " + error.doing + ": " + error.code.message();
}

struct Ok {};

template <class T = Ok>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_{std::in_place_index<0>, std::move(value)} {}
  Result(Error error) : state_{std::in_place_index<1>, std::move(error)} {}

  [[nodiscard]] explicit operator bool() const noexcept { return state_.index() == 0; }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(value()); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }
  [[nodiscard]] const Error& error() const {
    assert(state_.index() == 1);
    return *std::get_if<1>(&state_);
  }

 private:
  [[nodiscard]] T& value() {
    assert(state_.index() == 0);
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] const T& value() const {
    assert(state_.index() == 0);
    return *std::get_if<0>(&state_);
  }

  std::variant<T, Error> state_;
};

// Start-up only: there is no event to drop yet, so the one catch in main() is the right handler.
template <class T>
T or_throw(Result<T> result) {
  if (!result) throw std::system_error{result.error().code, "cannot " + result.error().doing};
  return std::move(*std::move(result));
}

}  // namespace upcall
