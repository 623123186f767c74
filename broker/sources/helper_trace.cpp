// SPDX-License-Identifier: Apache-2.0
#include "sources/helper_trace.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <span>

namespace upcall::sources {
namespace {

// How often a buffer is looked at that cannot be waited for.
constexpr std::chrono::seconds kLookAgain{1};

// As the trace's.
std::uint64_t now() {
  timespec time{};
  (void)::clock_gettime(CLOCK_BOOTTIME, &time);
  constexpr std::uint64_t kNanoseconds = 1'000'000'000;
  return (static_cast<std::uint64_t>(time.tv_sec) * kNanoseconds) +
         static_cast<std::uint64_t>(time.tv_nsec);
}

// Of a CPU that is not online: the kernel then reports an error at once, each time, until it is.
bool cannot_be_waited_for(int buffer) {
  pollfd state{.fd = buffer, .events = POLLIN};
  return ::poll(&state, 1, 0) > 0 && (state.revents & POLLERR) != 0 &&
         (state.revents & POLLIN) == 0;
}

}  // namespace

HelperTrace::HelperTrace(asio::io_context& io, const kernel::TraceLayout& layout,
                         std::vector<UniqueFd> buffers)
    : io_{io}, page_(std::size_t{layout.data.offset} + layout.data.size), chain_{layout} {
  for (auto& buffer : buffers)
    buffers_.push_back(std::make_unique<asio::posix::stream_descriptor>(io, buffer.release()));
}

void HelperTrace::start() {
  for (std::size_t i = 0; i < buffers_.size(); ++i) start_loop(io_, watch(i));
}

asio::awaitable<void> HelperTrace::watch(std::size_t buffer) {
  auto& descriptor = *buffers_[buffer];
  asio::steady_timer pause{io_};
  boost::system::error_code ec;
  for (;;) {
    if (cannot_be_waited_for(descriptor.native_handle())) {
      pause.expires_after(kLookAgain);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      continue;
    }
    co_await descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                                   asio::redirect_error(asio::use_awaitable, ec));
    if (ec) throw boost::system::system_error{ec, "wait for the kernel's trace"};
    drain();
  }
}

const kernel::HelperCall* HelperTrace::find(pid_t helper) {
  drain();
  return chain_.find(helper);
}

// All of them, since a chain may go over several CPUs.
void HelperTrace::drain() {
  const auto until = now();
  for (const auto& buffer : buffers_) {
    ssize_t size = 0;
    while ((size = ::read(buffer->native_handle(), page_.data(), page_.size())) > 0)
      chain_.take(std::span{page_}.first(static_cast<std::size_t>(size)));
  }
  chain_.settle(until);
}

}  // namespace upcall::sources
