// SPDX-License-Identifier: Apache-2.0
#include "sources/uevent_socket.h"

#include <sys/epoll.h>

#include "base/limits.h"

namespace upcall::sources {
namespace {

using boost::system::error_code;

// Reads for each wake-up, so that a storm cannot starve the others: 64 events each.
constexpr int kBatches = 16;

// In a storm we let some gather, since being woken for each costs more than all that is done with
// it. One that comes alone is not kept waiting.
constexpr std::chrono::milliseconds kGather{4};

event::UeventClass class_of(const kernel::UeventSender& sender, const event::Uevent& event) {
  switch (kernel::origin_of(sender)) {
    case kernel::UeventOrigin::kernel:
      return event.synthetic ? event::UeventClass::synthetic : event::UeventClass::kernel;
    case kernel::UeventOrigin::injected:
      return event::UeventClass::injected;
    case kernel::UeventOrigin::user:
      return event::UeventClass::user;
  }
  return event::UeventClass::user;
}

UniqueFd make_wakeup(int socket) {
  UniqueFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  epoll_event readable{.events = EPOLLIN | EPOLLONESHOT, .data = {}};
  if (!epoll || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, socket, &readable) != 0)
    throw std::system_error{errno, std::system_category(), "wait for uevents"};
  return epoll;
}

}  // namespace

UeventSocket::UeventSocket(asio::io_context& io, UniqueFd socket, int sysfs, Sinks sinks,
                           std::chrono::milliseconds pause)
    : io_{io},
      socket_{std::move(socket)},
      wakeup_{io, make_wakeup(socket_.get()).release()},
      sysfs_{sysfs},
      sinks_{std::move(sinks)},
      pause_{pause},
      resumed_{io, asio::steady_timer::time_point::max()} {}

asio::awaitable<void> UeventSocket::run() {
  error_code ec;
  auto drained = std::chrono::steady_clock::time_point{};
  auto left = Drained::empty;
  while (!stopped_) {
    if (paused_) {
      co_await resumed_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      continue;
    }
    if (left == Drained::more) {
      // No wait for more: the last read may have been of all there was, and a loss must be told
      // now, not with the next uevent.
      co_await rest();
    } else {
      co_await wait(drained);
    }
    if (stopped_) break;
    left = drain();
    if (left == Drained::empty && overrun_) count_dropped();
    drained = std::chrono::steady_clock::now();
  }
}

asio::awaitable<void> UeventSocket::wait(std::chrono::steady_clock::time_point drained) {
  error_code ec;
  arm_wakeup();
  co_await wakeup_.async_wait(asio::posix::descriptor_base::wait_read,
                              asio::redirect_error(asio::use_awaitable, ec));
  take_wakeup();
  if (ec && ec != asio::error::operation_aborted)
    throw boost::system::system_error{ec, "uevent socket"};
  if (std::chrono::steady_clock::now() - drained >= kGather) co_return;
  asio::steady_timer gathered{io_, kGather};
  co_await gathered.async_wait(asio::redirect_error(asio::use_awaitable, ec));
}

asio::awaitable<void> UeventSocket::rest() {
  if (pause_ == std::chrono::milliseconds{}) {
    co_await asio::post(io_, asio::use_awaitable);
    co_return;
  }
  asio::steady_timer timer{io_, pause_};
  error_code ec;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
}

void UeventSocket::arm_wakeup() {
  epoll_event readable{.events = EPOLLIN | EPOLLONESHOT, .data = {}};
  if (::epoll_ctl(wakeup_.native_handle(), EPOLL_CTL_MOD, socket_.get(), &readable) != 0)
    throw std::system_error{errno, std::system_category(), "wait for uevents"};
}

void UeventSocket::take_wakeup() {
  epoll_event readable{};
  (void)::epoll_wait(wakeup_.native_handle(), &readable, 1, 0);
}

void UeventSocket::stop() {
  stopped_ = true;
  resume();
  wakeup_.cancel();
}

void UeventSocket::pause() { paused_ = true; }

void UeventSocket::resume() {
  paused_ = false;
  resumed_.cancel();
}

Result<Ok> UeventSocket::join(kernel::DeviceQueues queues, Known known) {
  const auto dropped = kernel::query_dropped_uevents(socket_.get());
  if (!dropped) return dropped.error();
  dropped_ = *dropped;
  if (auto joined = kernel::join_uevents(socket_.get(), queues); !joined) return joined;
  if (known == Known::nothing) return Ok{};
  // After joining: what comes meanwhile is told, perhaps twice, and never not at all.
  auto devices = kernel::read_devices(sysfs_);
  if (!devices) return devices.error();
  devices_.emplace(*std::move(devices));
  return Ok{};
}

Result<Ok> UeventSocket::leave() {
  auto left = kernel::leave_uevents(socket_.get());
  forget_waiting();
  return left;
}

void UeventSocket::forget_waiting() {
  for (;;) {
    const auto read = reader_.read(socket_.get());
    if (!read && read.error().code != std::errc::no_buffer_space) return;
  }
}

// The kernel says ENOBUFS before what it had queued until then, and from then on queues nothing
// until all of that is read.
UeventSocket::Drained UeventSocket::drain() {
  for (int i = 0; i < kBatches && !paused_; ++i) {
    const auto datagrams = reader_.read(socket_.get());
    if (datagrams) {
      for (const auto& datagram : *datagrams) take(datagram);
    } else if (datagrams.error().code == std::errc::no_buffer_space) {
      overrun_ = true;
    } else if (datagrams.error().code == std::errc::resource_unavailable_try_again) {
      return Drained::empty;
    } else {
      throw std::system_error{datagrams.error().code, datagrams.error().doing};
    }
  }
  return Drained::more;
}

void UeventSocket::take(const kernel::UeventDatagram& datagram) {
  auto event = event::parse_uevent(datagram.text);
  if (!event) return;  // none of the kernel's: those have an action and a path
  event->origin = class_of(datagram.sender, *event);
  event->sender = datagram.sender.pid;
  event->network = datagram.sender.network;
  deliver(*event);
}

void UeventSocket::deliver(const event::Uevent& event) {
  if (devices_) devices_->observe(event);
  sinks_.event(event);
}

void UeventSocket::count_dropped() {
  overrun_ = false;
  const auto dropped = kernel::query_dropped_uevents(socket_.get());
  if (!dropped) return sinks_.trouble(describe(dropped.error()) + ", ignoring");
  const std::uint32_t count = *dropped - dropped_;  // modulo 2^32, as the kernel counts
  dropped_ = *dropped;
  sinks_.dropped(count);
  if (!devices_ || resync_due_) return;
  resync_due_ = true;
  start_loop(io_, resync_in_time());
}

// Not more often than every few seconds, whoever floods us.
asio::awaitable<void> UeventSocket::resync_in_time() {
  asio::steady_timer timer{io_, next_resync_};
  error_code ec;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  resync_due_ = false;
  if (!stopped_) resync();
}

void UeventSocket::resync() {
  next_resync_ = std::chrono::steady_clock::now() + limits::kResyncEvery;
  auto now = kernel::read_devices(sysfs_);
  if (!now) return sinks_.trouble(describe(now.error()) + "; what was lost stays lost");
  const auto exists = [this](std::string_view devpath) {
    return kernel::device_exists(sysfs_, devpath);
  };
  for (const auto& text : devices_->reconcile(*std::move(now), exists)) {
    auto event = event::parse_uevent(text);
    event->origin = event::UeventClass::resync;
    sinks_.event(*event);
  }
}

}  // namespace upcall::sources
