// SPDX-License-Identifier: Apache-2.0
#include "dispatch/output.h"

#include <sys/socket.h>

#include <array>

#include "base/limits.h"

namespace upcall::dispatch {
namespace {

// Per wake-up, so that one that writes without end does not keep the others from their turn.
constexpr int kBatch = 16;

}  // namespace

void LineCollector::take(std::string_view bytes) {
  for (const char c : bytes) {
    if (c == '\n') {
      end_line();
    } else if (lines_.size() < limits::kOutputLines && line_.size() < limits::kOutputLineBytes) {
      line_ += c;
    } else {
      ++dropped_;
    }
  }
}

void LineCollector::finish() {
  if (!line_.empty()) end_line();
}

void LineCollector::end_line() {
  if (lines_.size() < limits::kOutputLines) lines_.push_back(std::move(line_));
  line_.clear();
}

asio::awaitable<void> Output::run(std::shared_ptr<Output> output) {
  auto& socket = output->socket_;
  boost::system::error_code ec;
  while (socket.is_open()) {
    co_await socket.async_wait(asio::posix::descriptor_base::wait_read,
                               asio::redirect_error(asio::use_awaitable, ec));
    if (ec || !socket.is_open() || !output->drain()) co_return;
  }
}

const LineCollector& Output::finish() {
  if (socket_.is_open()) {
    (void)drain();
    socket_.close();
  }
  lines_.finish();
  return lines_;
}

bool Output::drain() {
  std::array<char, 4096> buffer;
  for (int i = 0; i < kBatch; ++i) {
    const ssize_t n = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    lines_.take({buffer.data(), static_cast<std::size_t>(n)});
  }
  return true;
}

}  // namespace upcall::dispatch
