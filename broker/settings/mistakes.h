// SPDX-License-Identifier: Apache-2.0
// Everything that is wrong with the files, collected so that the administrator sees all of it at
// once.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settings/load.h"

namespace upcall::settings {

// One file's text. Places point into it: it neither moves nor dies before them.
class Source {
 public:
  // `order` is that of reading: it sorts the mistakes of several files.
  Source(std::size_t order, std::string file, std::string text);
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  Source(Source&&) = delete;
  Source& operator=(Source&&) = delete;
  ~Source() = default;

  [[nodiscard]] std::size_t order() const { return order_; }
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  // Without its end; empty for a line that there is not, or that is too long to show.
  [[nodiscard]] std::string line(int number) const;

 private:
  std::size_t order_;
  std::string file_;
  std::string text_;
  std::vector<std::string_view> lines_;
};

// Lines and columns count from 1; both 0 for the whole file.
struct Place {
  const Source* source{};
  int line{};
  int column{};
};

// "FILE:LINE:COL"
[[nodiscard]] std::string describe(const Place& place);

class Mistakes {
 public:
  void add(const Place& place, std::string message);
  [[nodiscard]] bool empty() const { return found_.empty(); }
  // In the order of the files and of their lines, each once (an alias shows the same text twice).
  [[nodiscard]] std::vector<Diagnostic> take() &&;

 private:
  std::vector<std::pair<Place, std::string>> found_;
};

}  // namespace upcall::settings
