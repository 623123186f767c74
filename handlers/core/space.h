// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/result.h"
#include "core/options.h"

namespace upcall::core {

// Sees to it that no core takes the file system below the room that has to stay free.
class Space {
 public:
  // `file` is any descriptor on the file system and outlives this.
  Space(int file, KeepFree keep) : file_{file}, keep_{keep} {}

  // May `size` more bytes be written? Asked before each write, since others write there too.
  [[nodiscard]] bool allows(std::uint64_t size) const;

 private:
  int file_;
  KeepFree keep_;
};

}  // namespace upcall::core
