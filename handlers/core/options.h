// SPDX-License-Identifier: Apache-2.0
// What the policy's `with:` asks for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace upcall::core {

enum class Compression : std::uint8_t { none, zstd };

// Room on the file system that is never used: a number of bytes, or a share of its size.
struct KeepFree {
  std::uint64_t amount{5};
  bool percent{true};
};

struct Options {
  std::string directory{"/var/crash"};
  Compression compression{Compression::zstd};
  int level{1};
  std::uint64_t max_size{0};  // of the core before compression; 0 is unlimited
  KeepFree keep_free;
  bool sync{false};  // on the disk, not only in the page cache, before it is named
};

// From UPCALL_WITH_*; what is absent or empty keeps its default.
[[nodiscard]] Result<Options> read_options();

extern const std::string_view kHelp;

}  // namespace upcall::core
