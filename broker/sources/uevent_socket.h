// SPDX-License-Identifier: Apache-2.0
// The kernel's uevents as values. What the kernel had to drop is told, exactly how many, and made
// up for out of /sys.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/asio.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "event/uevent.h"
#include "kernel/netlink_uevent.h"
#include "sources/device_table.h"

namespace upcall::sources {

// Views in the event are good until it returns.
using UeventSink = std::function<void(const event::Uevent&)>;

class UeventSocket {
 public:
  struct Sinks {
    UeventSink event;
    std::function<void(std::uint64_t count)> dropped;
    std::function<void(const std::string& what)> trouble;  // for the log
  };
  // `sysfs` is borrowed. `pause` comes after each thousand: where others choose how many come, who
  // may then lose some.
  UeventSocket(asio::io_context& io, UniqueFd socket, int sysfs, Sinks sinks,
               std::chrono::milliseconds pause = {});

  // Ends by stop().
  [[nodiscard]] asio::awaitable<void> run();
  void stop();

  // Hears the kernel from now on. With Devices::known every device is known by then, and a loss is
  // made up for.
  enum class Known : std::uint8_t { nothing, devices };
  [[nodiscard]] Result<Ok> join(kernel::DeviceQueues queues, Known known);
  // Not any more; what waits is dropped. The kernel has no work with us then.
  [[nodiscard]] Result<Ok> leave();

  // Lets the kernel keep what comes, as much as its buffer holds.
  void pause();
  void resume();

 private:
  enum class Drained : std::uint8_t { empty, more };  // more: perhaps
  [[nodiscard]] Drained drain();
  void forget_waiting();
  // For an uevent; and for some to gather, unless the latest were `drained` a while ago.
  [[nodiscard]] asio::awaitable<void> wait(std::chrono::steady_clock::time_point drained);
  // A turn for the others.
  [[nodiscard]] asio::awaitable<void> rest();
  void arm_wakeup();
  void take_wakeup();
  void take(const kernel::UeventDatagram& datagram);
  void deliver(const event::Uevent& event);
  void count_dropped();
  [[nodiscard]] asio::awaitable<void> resync_in_time();
  void resync();

  asio::io_context& io_;
  UniqueFd socket_;
  // An epoll of the socket alone, which wakes us once: the loop's own would for each event that
  // comes while we let them gather.
  asio::posix::stream_descriptor wakeup_;
  int sysfs_;
  Sinks sinks_;
  std::chrono::milliseconds pause_;
  kernel::UeventReader reader_;
  std::optional<DeviceTable> devices_;
  asio::steady_timer resumed_;
  bool paused_{false};
  bool stopped_{false};
  bool overrun_{false};
  std::uint32_t dropped_{};  // as the kernel counts, up to what was told
  std::chrono::steady_clock::time_point next_resync_;
  bool resync_due_{false};
};

}  // namespace upcall::sources
