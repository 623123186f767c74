// SPDX-License-Identifier: Apache-2.0
// Text for a program without heap and C library.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

namespace upcall::shim {

// One line of at most 255 bytes; what does not fit is left out.
class Line {
 public:
  Line& operator<<(std::string_view text) {
    for (const char c : text) append(c);
    return *this;
  }
  Line& operator<<(long number) {
    if (number < 0) append('-');
    append_digits(number < 0 ? 0UL - static_cast<unsigned long>(number)
                             : static_cast<unsigned long>(number));
    return *this;
  }
  [[nodiscard]] std::string_view text() const { return {bytes_.begin(), length_}; }

 private:
  void append(char c) {
    if (length_ < bytes_.size()) bytes_.begin()[length_++] = c;
  }
  void append_digits(unsigned long number) {
    unsigned long place = 1;
    while (number / place > 9) place *= 10;
    for (; place > 0; place /= 10) append(static_cast<char>('0' + (number / place % 10)));
  }

  std::array<char, 255> bytes_{};
  std::size_t length_{0};
};

// A decimal number without sign: -1 for anything else, the greatest value for one that does not
// fit.
template <class Integer>
[[nodiscard]] constexpr Integer parse_number(std::string_view text) {
  constexpr auto kMax = std::numeric_limits<Integer>::max();
  Integer value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    const auto digit = static_cast<Integer>(c - '0');
    value = value > (kMax - digit) / 10 ? kMax : static_cast<Integer>((value * 10) + digit);
  }
  return text.empty() ? Integer{-1} : value;
}

}  // namespace upcall::shim
