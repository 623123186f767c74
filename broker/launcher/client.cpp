// SPDX-License-Identifier: Apache-2.0
#include "launcher/client.h"

#include <array>
#include <cstring>
#include <stdexcept>

#include "wire/seqpacket.h"

namespace upcall::launcher {
namespace {

using boost::system::error_code;

// A bounded batch, so that a storm of replies cannot starve the sources.
constexpr int kBatch = 64;

template <class T>
T head_of(std::span<const std::byte> datagram) {
  if (datagram.size() < sizeof(T)) throw std::runtime_error{"the launcher sent a short datagram"};
  T value;
  std::memcpy(&value, datagram.data(), sizeof value);
  return value;
}

}  // namespace

struct Client::PendingCapture {
  explicit PendingCapture(asio::io_context& io)
      : changed{io, asio::steady_timer::time_point::max()} {}
  asio::steady_timer changed;
  std::optional<Captured> captured;
};

asio::awaitable<wire::RunEnded> Run::ended() {
  error_code ec;
  while (!ended_) co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  co_return *ended_;
}

Client::Client(asio::io_context& io, UniqueFd socket) : io_{io}, socket_{io, socket.release()} {
  socket_.non_blocking(true);
}

asio::awaitable<void> Client::run() {
  for (;;) {
    error_code ec;
    co_await socket_.async_wait(asio::posix::descriptor_base::wait_read,
                                asio::redirect_error(asio::use_awaitable, ec));
    if (ec == asio::error::operation_aborted) co_return;
    if (ec) throw boost::system::system_error{ec, "wait for the launcher"};
    drain();
  }
}

void Client::drain() {
  std::array<std::byte, wire::kMaxCaptureReply> buffer;
  for (int i = 0; i < kBatch; ++i) {
    const auto received = wire::receive_message(socket_.native_handle(), buffer);
    if (!received) {
      if (received.error().code == std::errc::resource_unavailable_try_again) return;
      throw std::system_error{received.error().code, "cannot hear the launcher"};
    }
    if (received->size == 0) throw std::runtime_error{"the launcher is gone"};
    take(std::span{buffer}.first(received->size));
  }
}

void Client::take(std::span<const std::byte> datagram) {
  const auto header = head_of<wire::LauncherHeader>(datagram);
  if (header.type == wire::LauncherType::captured) {
    const auto pending = captures_.extract(header.id);
    if (pending.empty()) return;
    const auto reply = head_of<wire::CaptureReply>(datagram);
    const auto texts = datagram.subspan(sizeof reply);
    if (texts.size() != std::size_t{reply.exe_length} + reply.host_name_length) {
      throw std::runtime_error{"the launcher sent a capture of the wrong length"};
    }
    const auto* chars = reinterpret_cast<const char*>(texts.data());
    pending.mapped()->captured = {.reply = reply,
                                  .exe = {chars, reply.exe_length},
                                  .host_name = {chars + reply.exe_length, reply.host_name_length}};
    pending.mapped()->changed.cancel();
    return;
  }
  const auto run = runs_.find(header.id);
  if (run == runs_.end()) return;
  if (header.type == wire::LauncherType::run_started) {
    run->second->pid_ = head_of<wire::RunStarted>(datagram).pid;
  } else if (header.type == wire::LauncherType::run_ended) {
    run->second->ended_ = head_of<wire::RunEnded>(datagram);
    run->second->changed_.cancel();
    runs_.erase(run);
  }
}

asio::awaitable<Result<Captured>> Client::capture(int pidfd, pid_t tid, int dumpable) {
  const auto id = next_id_++;
  const wire::CaptureRequest request{
      .header = {.type = wire::LauncherType::capture, .id = id}, .tid = tid, .dumpable = dumpable};
  const std::array fds{pidfd};
  const auto pending = std::make_shared<PendingCapture>(io_);
  captures_.emplace(id, pending);
  if (const auto sent = co_await send(wire::bytes_of(request), fds); !sent) {
    captures_.erase(id);
    co_return sent.error();
  }
  error_code ec;
  while (!pending->captured) {
    co_await pending->changed.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }
  if (pending->captured->reply.error != 0) {
    co_return from_errno(
        "capture the process (step " + std::to_string(pending->captured->reply.step) + ")",
        pending->captured->reply.error);
  }
  co_return std::move(*pending->captured);
}

asio::awaitable<Result<std::shared_ptr<Run>>> Client::start(
    std::uint32_t capture, std::uint32_t row, std::span<const std::string> environment,
    std::span<const int> fds) {
  std::string block;
  for (const auto& variable : environment) block.append(variable).push_back('\0');
  if (block.size() > wire::kMaxEnvironmentBytes) {
    co_return from_errno("describe the event to its handler", E2BIG);
  }
  const auto id = next_id_++;
  const wire::RunRequest request{.header = {.type = wire::LauncherType::run, .id = id},
                                 .capture = capture,
                                 .row = row,
                                 .environment_bytes = static_cast<std::uint32_t>(block.size())};
  std::vector<std::byte> datagram(sizeof request + block.size());
  std::memcpy(datagram.data(), &request, sizeof request);
  std::memcpy(datagram.data() + sizeof request, block.data(), block.size());
  auto run = std::make_shared<Run>(io_);
  runs_.emplace(id, run);
  if (const auto sent = co_await send(datagram, fds); !sent) {
    runs_.erase(id);
    co_return sent.error();
  }
  co_return run;
}

asio::awaitable<void> Client::release(std::uint32_t capture) {
  const wire::ReleaseRequest request{.header = {.type = wire::LauncherType::release},
                                     .capture = capture};
  // A launcher that cannot be told is a launcher that is gone, and run() finds that out.
  const std::span<const int> no_fds;
  (void)co_await send(wire::bytes_of(request), no_fds);
}

asio::awaitable<Result<Ok>> Client::send(std::span<const std::byte> bytes,
                                         std::span<const int> fds) {
  for (;;) {
    auto sent = wire::send_message(socket_.native_handle(), bytes, fds);
    if (sent || sent.error().code != std::errc::resource_unavailable_try_again) co_return sent;
    error_code ec;
    co_await socket_.async_wait(asio::posix::descriptor_base::wait_write,
                                asio::redirect_error(asio::use_awaitable, ec));
    if (ec) co_return from_errno("wait for room in the launcher's socket", ec.value());
  }
}

}  // namespace upcall::launcher
