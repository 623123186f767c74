// SPDX-License-Identifier: Apache-2.0
// What a handler writes to its descriptors 1 and 2: a stranger's bytes, for our log. Bounded in
// lines and in their length; the rest is counted and dropped, so that a handler can neither fill
// memory nor block on us.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace upcall::dispatch {

// Cuts a byte stream into bounded lines. Pure.
class LineCollector {
 public:
  void take(std::string_view bytes);
  // The last line may lack its newline.
  void finish();
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  [[nodiscard]] std::size_t dropped_bytes() const { return dropped_; }

 private:
  void end_line();

  std::string line_;
  std::vector<std::string> lines_;
  std::size_t dropped_{0};
};

}  // namespace upcall::dispatch
