// SPDX-License-Identifier: Apache-2.0
#include "dispatch/conversation.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <vector>

#include "base/limits.h"
#include "kernel/coredump_protocol.h"

namespace upcall::dispatch {
namespace {

// Header, program headers of some two hundred mappings, the first thread's notes.
constexpr std::size_t kHeadBytes = std::size_t{16} * 1024;
constexpr std::chrono::milliseconds kPeekAgain{1};

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

asio::awaitable<Result<Ok>> Conversation::agree() {
  if (opening_ != sources::Opening::kernel_asks) co_return Ok{};
  const auto sent =
      kernel::send_ack(stream_.native_handle(), kernel::coredump_kernel | kernel::coredump_wait);
  if (!sent) co_return sent.error();
  if (!co_await readable(&stream_, limits::kPeerSpeaks)) {
    co_return from_errno("hear whether the kernel agrees", ETIMEDOUT);
  }
  co_return kernel::receive_mark(stream_.native_handle());
}

asio::awaitable<std::optional<kernel::FatalSignal>> Conversation::peek_fatal_signal() {
  if (!co_await readable(&stream_, limits::kHeadArrives)) co_return std::nullopt;
  std::vector<std::byte> head(kHeadBytes);
  const auto deadline = std::chrono::steady_clock::now() + limits::kHeadArrives;
  asio::steady_timer timer{io_};
  while (std::chrono::steady_clock::now() < deadline) {
    const ssize_t n =
        ::recv(stream_.native_handle(), head.data(), head.size(), MSG_PEEK | MSG_DONTWAIT);
    if (n <= 0) co_return std::nullopt;
    const auto size = static_cast<std::size_t>(n);
    const auto parsed = kernel::parse_fatal_signal(std::span{head}.first(size));
    if (const auto* signal = std::get_if<kernel::FatalSignal>(&parsed)) co_return *signal;
    if (std::holds_alternative<kernel::NotACore>(parsed) || size == head.size())
      co_return std::nullopt;
    // Unread bytes keep the socket readable, so there is nothing to wait on but time.
    timer.expires_after(kPeekAgain);
    boost::system::error_code ec;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }
  co_return std::nullopt;
}

int Conversation::stream_for_handler() {
  // No longer Asio's, which would wake up for every page of the core.
  if (stream_.is_open()) given_ = UniqueFd{stream_.release()};
  // It had made it non-blocking, for everybody who shares the open file.
  (void)::fcntl(given_.get(), F_SETFL, ::fcntl(given_.get(), F_GETFL) & ~O_NONBLOCK);
  return given_.get();
}

void Conversation::release() {
  if (stream_.is_open()) given_ = UniqueFd{stream_.release()};
  if (!given_) return;
  // Not only closed: a handler, or a child that it left behind, may still hold the stream.
  (void)::shutdown(given_.get(), SHUT_RDWR);
  given_.reset();
}

}  // namespace upcall::dispatch
