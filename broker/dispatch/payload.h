// SPDX-License-Identifier: Apache-2.0
// What a handler answers to a key request: bytes, as they are, so many as a key can hold.
#pragma once

#include <string>
#include <string_view>

#include "wire/shim.h"

namespace upcall::dispatch {

class Payload {
 public:
  void take(std::string_view bytes) {
    if (bytes.size() > wire::kMaxKeyPayload - bytes_.size()) too_long_ = true;
    if (!too_long_) bytes_.append(bytes);
  }
  void finish() {}
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  // Then it is no answer: half of a secret is none.
  [[nodiscard]] bool too_long() const { return too_long_; }

 private:
  std::string bytes_;
  bool too_long_{false};
};

}  // namespace upcall::dispatch
