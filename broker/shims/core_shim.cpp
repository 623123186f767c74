// SPDX-License-Identifier: Apache-2.0
#include "shims/core_shim.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "shims/broker.h"
#include "shims/report.h"
#include "shims/system_call.h"
#include "shims/text.h"
#include "wire/shim.h"

namespace upcall::shim {
namespace {

constexpr int kCore = 0;  // where the kernel puts its pipe
// Fewer wake-ups of the dumping process; the most that fs.pipe-max-size lets anybody have.
constexpr long kPipeSize = 1L << 20;
// What the socket holds beside it, so that a small core is out of its process before a handler is
// there to read it. The kernel doubles it. The pages are the pipe's, which the kernel has charged
// to the process that dumps.
constexpr int kSendBuffer = 1 << 20;
constexpr long kWaitSeconds = 60;
// A broker that took the call runs handlers on it, which have their own, shorter, deadlines.
constexpr int kWaitsForTakenCall = 10;

struct Call {
  wire::ShimCoreDump facts;
  int pidfd{-1};
  long wait_seconds{kWaitSeconds};
};

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

void take_argument(Call& call, std::string_view argument) {
  std::string_view& value = argument;
  if (take_prefix(value, "P=")) call.facts.pid = parse_number<std::int32_t>(value);
  if (take_prefix(value, "I=")) call.facts.tid = parse_number<std::int32_t>(value);
  if (take_prefix(value, "s=")) call.facts.signal = parse_number<std::int32_t>(value);
  if (take_prefix(value, "d=")) call.facts.dumpable = parse_number<std::int32_t>(value);
  if (take_prefix(value, "F=")) call.pidfd = parse_number<std::int32_t>(value);
  if (take_prefix(value, "wait=")) call.wait_seconds = parse_number<std::int64_t>(value);
}

long send_call(int broker, const Call& call, int stream) {
  const std::array fds{stream, call.pidfd};
  const std::size_t fds_size = call.pidfd < 0 ? sizeof(int) : sizeof fds;
  union {
    cmsghdr header;
    std::array<char, CMSG_SPACE(sizeof fds)> bytes;
  } control{};
  control.header = {
      .cmsg_len = CMSG_LEN(fds_size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  std::memcpy(CMSG_DATA(&control.header), fds.data(), fds_size);
  iovec part{.iov_base = const_cast<wire::ShimCoreDump*>(&call.facts),
             .iov_len = sizeof call.facts};
  const msghdr message{.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = CMSG_SPACE(fds_size)};
  return system_call(SYS_sendmsg, broker, address_of(&message), MSG_NOSIGNAL);
}

// The conversation with the broker after the call was sent.
class Relay {
 public:
  Relay(int broker, int stream, long wait_seconds)
      : broker_{broker}, stream_{stream}, wait_seconds_{wait_seconds} {}

  int run() {
    limit_sending(stream_, wait_seconds_);
    long moved = 0;
    do {
      // The pipe's pages become the socket's, uncopied: on Linux 6.18 4.9 GiB/s for 30 ms of our
      // time in each GiB, where read() and write() take 3.8 GiB/s for 120 ms.
      moved = system_call(SYS_splice, kCore, 0, stream_, 0, kPipeSize, SPLICE_F_MOVE);
      if (moved > 0) fruitless_waits_ = 0;
    } while (moved > 0 || (moved == -EAGAIN && broker_deserves_another_wait()));
    if (moved == -EPIPE || moved == -ECONNRESET) return 0;  // the broker has seen enough
    if (moved < 0) return report_failure("pass on a core dump", moved, kSeeBroker);
    system_call(SYS_shutdown, stream_, SHUT_WR);
    return wait_for_close();
  }

 private:
  int wait_for_close() {
    long ready = 0;
    do {
      pollfd end{.fd = stream_, .events = POLLIN | POLLRDHUP};
      const timespec patience{.tv_sec = wait_seconds_, .tv_nsec = 0};
      ready = system_call(SYS_ppoll, address_of(&end), 1, address_of(&patience));
    } while (ready == 0 && broker_deserves_another_wait());
    if (ready == 0)
      return report_failure("wait for the end of a core dump", -ETIMEDOUT, kSeeBroker);
    return 0;
  }

  bool broker_deserves_another_wait() {
    return call_is_taken() && ++fruitless_waits_ < kWaitsForTakenCall;
  }

  // What we sent is charged to our socket until it is read.
  [[nodiscard]] bool call_is_taken() const {
    int unread = 0;
    return system_call(SYS_ioctl, broker_, SIOCOUTQ, address_of(&unread)) == 0 && unread == 0;
  }

  int broker_;
  int stream_;
  long wait_seconds_;
  int fruitless_waits_{0};
};

// A write to a broker that has gone is an error to look at, not a signal to die of.
void ignore_broken_pipe() {
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    unsigned long mask;
  } action{};  // the kernel's own struct sigaction
  action.handler = SIG_IGN;
  system_call(SYS_rt_sigaction, SIGPIPE, address_of(&action), 0, sizeof action.mask);
}

}  // namespace

int run_core_shim(std::span<char* const> arguments) {
  if (arguments.empty())
    return report_failure("find its socket", -EINVAL, "kernel.core_pattern lacks it");
  Call call;
  for (const char* argument : arguments.subspan(1)) take_argument(call, argument);
  ignore_broken_pipe();
  system_call(SYS_fcntl, kCore, F_SETPIPE_SZ, kPipeSize);

  const long broker = connect_to_broker(arguments[0], call.wait_seconds);
  if (broker < 0) return report_failure("connect to upcall-broker", broker, kSeeBroker);
  std::array stream{-1, -1};
  const long failure = system_call(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
                                   address_of(stream.data()));
  if (failure < 0) return report_failure("make a socket pair", failure, "see fs.file-max");
  // Without it the core only waits longer.
  system_call(SYS_setsockopt, stream[0], SOL_SOCKET, SO_SNDBUFFORCE, address_of(&kSendBuffer),
              sizeof kSendBuffer);
  const long sent = send_call(static_cast<int>(broker), call, stream[1]);
  if (sent < 0) return report_failure("send a core dump to upcall-broker", sent, kSeeBroker);
  system_call(SYS_close, stream[1]);
  return Relay{static_cast<int>(broker), stream[0], call.wait_seconds}.run();
}

}  // namespace upcall::shim
