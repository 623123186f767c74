// SPDX-License-Identifier: Apache-2.0
// What a handler answers to a key request: bytes, as they are, and so many as its policy allows.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace upcall::dispatch {

class Payload {
 public:
  explicit Payload(std::size_t most) : most_{most} {}

  void take(std::string_view bytes) {
    if (bytes.size() > most_ - bytes_.size()) too_long_ = true;
    if (!too_long_) bytes_.append(bytes);
  }
  void finish() {}
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  // Then it is no answer: half of a secret is none.
  [[nodiscard]] bool too_long() const { return too_long_; }

 private:
  std::size_t most_;
  std::string bytes_;
  bool too_long_{false};
};

}  // namespace upcall::dispatch
