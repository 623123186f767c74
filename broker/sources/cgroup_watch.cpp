// SPDX-License-Identifier: Apache-2.0
#include "sources/cgroup_watch.h"

#include <utility>

namespace upcall::sources {
namespace {

using boost::system::error_code;

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
      next_{io, asio::steady_timer::time_point::max()} {}

void CgroupWatch::start() {
  if (!inotify_.is_open()) return;
  tree_.add(std::exchange(listed_, {}));
  start_loop(io_, hear());
  start_loop(io_, work());
}

void CgroupWatch::stop() {
  stopped_ = true;
  next_.cancel();
  if (inotify_.is_open()) inotify_.cancel();
}

asio::awaitable<void> CgroupWatch::hear() {
  error_code ec;
  bool more = true;
  while (!stopped_) {
    if (more) {
      co_await asio::post(io_, asio::use_awaitable);
    } else {
      co_await inotify_.async_wait(asio::posix::descriptor_base::wait_read,
                                   asio::redirect_error(asio::use_awaitable, ec));
    }
    if (stopped_) co_return;
    more = drain();
    next_.cancel();
  }
}

bool CgroupWatch::drain() {
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
