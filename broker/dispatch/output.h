// SPDX-License-Identifier: Apache-2.0
// What a handler writes to its descriptors 1 and 2: a stranger's bytes, for our log. Bounded in
// lines and in their length; the rest is counted and dropped, so that a handler can neither fill
// memory nor block on us.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/asio.h"
#include "base/unique_fd.h"

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

class Output {
 public:
  // `socket` is our end of the handler's descriptors 1 and 2.
  Output(asio::io_context& io, UniqueFd socket) : socket_{io, socket.release()} {}

  // Reads while the handler lives. Shares ownership, since the handler's end need not be the
  // loop's.
  [[nodiscard]] static asio::awaitable<void> run(std::shared_ptr<Output> output);
  // After the handler's end: what it left in the socket, then no more, even if a child of its still
  // holds it.
  const LineCollector& finish();

 private:
  // False at end of file.
  bool drain();

  asio::posix::stream_descriptor socket_;
  LineCollector lines_;
};

}  // namespace upcall::dispatch
