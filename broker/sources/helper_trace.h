// SPDX-License-Identifier: Apache-2.0
// The trace buffers that say who made the kernel start which helper (kernel/helper_chain.h), read
// when a helper speaks up, and before they overflow.
#pragma once

#include <memory>
#include <vector>

#include "base/asio.h"
#include "base/unique_fd.h"
#include "kernel/helper_chain.h"

namespace upcall::sources {

class HelperTrace {
 public:
  HelperTrace(asio::io_context& io, const kernel::TraceLayout& layout,
              std::vector<UniqueFd> buffers);

  // Reads buffers that fill while nobody asks, for as long as `io` runs.
  void start();
  // Who had this process started; nullptr where the kernel did not start it, or no longer tells.
  [[nodiscard]] const kernel::HelperCall* find(pid_t helper);
  // Of one that find() has shown already.
  [[nodiscard]] const kernel::HelperCall* recall(pid_t helper) const { return chain_.find(helper); }
  // How often events were overwritten before they were read.
  [[nodiscard]] std::uint64_t gaps() const { return chain_.gaps(); }

 private:
  [[nodiscard]] asio::awaitable<void> watch(std::size_t buffer);
  void drain();

  asio::io_context& io_;
  std::vector<std::unique_ptr<asio::posix::stream_descriptor>> buffers_;
  std::vector<std::byte> page_;
  kernel::HelperChain chain_;
};

}  // namespace upcall::sources
