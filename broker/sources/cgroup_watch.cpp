// SPDX-License-Identifier: Apache-2.0
#include "sources/cgroup_watch.h"

#include <utility>

#include "base/limits.h"

namespace upcall::sources {
namespace {

using boost::system::error_code;

// Batches that are heard without a pause: some hundred changes, of which each takes some tens of
// microseconds.
constexpr int kBatches = 16;

asio::posix::stream_descriptor descriptor_of(asio::io_context& io, UniqueFd fd) {
  if (!fd) return asio::posix::stream_descriptor{io};
  return {io, fd.release()};
}

}  // namespace

CgroupWatch::CgroupWatch(asio::io_context& io, UniqueFd inotify, std::string descriptors,
                         std::vector<ListedCgroup> listed, CgroupTree::Sinks sinks)
    : io_{io},
      listed_{std::move(listed)},
      inotify_{descriptor_of(io, std::move(inotify))},
      tree_{inotify_.is_open() ? inotify_.native_handle() : -1, std::move(descriptors),
            std::move(sinks)},
      next_{io, asio::steady_timer::time_point::max()},
      pause_{io} {}

void CgroupWatch::start() {
  if (!inotify_.is_open()) return;
  tree_.add(std::exchange(listed_, {}));
  start_loop(io_, hear());
  start_loop(io_, work());
}

void CgroupWatch::stop() {
  stopped_ = true;
  next_.cancel();
  pause_.cancel();
  if (inotify_.is_open()) inotify_.cancel();
}

asio::awaitable<void> CgroupWatch::hear() {
  error_code ec;
  while (!stopped_) {
    co_await inotify_.async_wait(asio::posix::descriptor_base::wait_read,
                                 asio::redirect_error(asio::use_awaitable, ec));
    for (int batches = 0; !stopped_ && drain();) {
      next_.cancel();
      if (++batches < kBatches && !tree_.is_behind()) {
        co_await asio::post(io_, asio::use_awaitable);
        continue;
      }
      pause_.expires_after(limits::kCgroupPause);
      co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      batches = 0;
    }
  }
}

bool CgroupWatch::drain() {
  if (tree_.is_behind()) return true;
  const auto events = or_throw(kernel::read_inotify(inotify_.native_handle()));
  if (!events) return false;
  for (const auto& event : *events) tree_.take(event);
  return true;
}

asio::awaitable<void> CgroupWatch::work() {
  error_code ec;
  while (!stopped_) {
    const auto next = tree_.work();
    if (next && *next <= CgroupTree::Clock::now()) {
      co_await asio::post(io_, asio::use_awaitable);
      continue;
    }
    next_.expires_at(next.value_or(asio::steady_timer::time_point::max()));
    co_await next_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }
}

}  // namespace upcall::sources
