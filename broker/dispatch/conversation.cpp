// SPDX-License-Identifier: Apache-2.0
#include "dispatch/conversation.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <vector>

#include "base/limits.h"
#include "kernel/coredump_protocol.h"

namespace upcall::dispatch {
namespace {

// Header, program headers of some two hundred mappings, the first thread's notes.
constexpr std::size_t kHeadBytes = std::size_t{16} * 1024;
// The kernel sends the head piece by piece, usually all of it within the first of these, each of
// which is twice as long as the one before.
constexpr std::chrono::microseconds kPeekAgain{50};
constexpr std::chrono::microseconds kLongestPause{16'000};

// How much there is; nothing when no more can come.
std::optional<std::size_t> peek(int stream, std::span<std::byte> head) {
  // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): it does not wait
  const ssize_t n = ::recv(stream, head.data(), head.size(), MSG_PEEK | MSG_DONTWAIT);
  if (n > 0) return static_cast<std::size_t>(n);
  return n < 0 && errno == EAGAIN ? std::optional<std::size_t>{0} : std::nullopt;
}

}  // namespace

Conversation::Conversation(asio::io_context& io, UniqueFd stream, sources::Opening opening)
    : io_{io}, stream_{io, stream.release()}, opening_{opening} {}

asio::awaitable<Result<Ok>> Conversation::hear_request() {
  if (opening_ != sources::Opening::kernel_asks) co_return Ok{};
  if (!co_await readable(&stream_, limits::kPeerSpeaks)) {
    co_return from_errno("hear the kernel's core dump request", ETIMEDOUT);
  }
  const auto request = kernel::receive_request(stream_.native_handle());
  if (!request) co_return request.error();
  co_return Ok{};
}

void Conversation::reject() {
  // A kernel that does not listen any more has nothing left to dump.
  if (opening_ == sources::Opening::kernel_asks) {
    (void)kernel::send_ack(stream_.native_handle(), kernel::coredump_reject);
  }
  release();
}

Result<Ok> Conversation::agree() {
  if (opening_ != sources::Opening::kernel_asks) return Ok{};
  return kernel::send_ack(stream_.native_handle(), kernel::coredump_kernel | kernel::coredump_wait);
}

asio::awaitable<Result<Ok>> Conversation::hear_agreement() {
  if (opening_ == sources::Opening::kernel_asks) {
    if (!co_await readable(&stream_, limits::kPeerSpeaks))
      co_return from_errno("hear whether the kernel agrees", ETIMEDOUT);
    const auto mark = kernel::receive_mark(stream_.native_handle());
    if (!mark) co_return mark;
  }
  leave_asio();
  co_return Ok{};
}

asio::awaitable<std::optional<kernel::FatalSignal>> Conversation::peek_fatal_signal() {
  std::vector<std::byte> head(kHeadBytes);
  const auto deadline = std::chrono::steady_clock::now() + limits::kHeadArrives;
  asio::steady_timer timer{io_};
  auto pause = kPeekAgain;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto size = peek(given_.get(), head);
    if (!size) co_return std::nullopt;
    const auto parsed = kernel::parse_fatal_signal(std::span{head}.first(*size));
    if (const auto* signal = std::get_if<kernel::FatalSignal>(&parsed)) co_return *signal;
    if (std::holds_alternative<kernel::NotACore>(parsed) || size == head.size())
      co_return std::nullopt;
    // Unread bytes keep the socket readable, so there is nothing to wait on but time.
    timer.expires_after(pause);
    pause = std::min(2 * pause, kLongestPause);
    boost::system::error_code ec;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }
  co_return std::nullopt;
}

void Conversation::leave_asio() {
  if (stream_.is_open()) given_ = UniqueFd{stream_.release()};
}

int Conversation::stream_for_handler() {
  // It had made it non-blocking, for everybody who shares the open file.
  (void)::fcntl(given_.get(), F_SETFL, ::fcntl(given_.get(), F_GETFL) & ~O_NONBLOCK);
  return given_.get();
}

void Conversation::release() {
  leave_asio();
  if (!given_) return;
  // Not only closed: a handler, or a child that it left behind, may still hold the stream.
  (void)::shutdown(given_.get(), SHUT_RDWR);
  given_.reset();
}

}  // namespace upcall::dispatch
