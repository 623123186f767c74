// SPDX-License-Identifier: Apache-2.0
#include "shims/helper_call.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include <cerrno>

#include "shims/broker.h"
#include "shims/report.h"
#include "shims/system_call.h"

namespace upcall::shim {

using wire::HelperVerdict;

int HelperCall::serve(std::span<const iovec> message) {
  const long broker = connect_to_broker(options_.socket, patience_.taken_seconds);
  if (broker == -EAGAIN) {
    (void)report_failure("reach upcall-broker", broker, kSeeBroker);
    return kDenied;
  }
  if (broker < 0) return go_around(broker);
  const int socket = static_cast<int>(broker);
  const msghdr datagram{.msg_iov = const_cast<iovec*>(message.data()),
                        .msg_iovlen = message.size()};
  // A broker that is gone is noticed where its verdict is waited for.
  system_call(SYS_sendmsg, socket, address_of(&datagram), MSG_NOSIGNAL);
  return obey(socket);
}

int HelperCall::run_stock() {
  if (options_.stock == nullptr || options_.stock[0] == '\0') return kDenied;
  arguments_[0] = const_cast<char*>(options_.stock);
  const void* const arguments = static_cast<const void*>(arguments_.data());
  const void* const environment = static_cast<const void*>(environment_);
  const long failure = system_call(SYS_execve, address_of(options_.stock), address_of(arguments),
                                   address_of(environment));
  // Most of what the kernel would start is installed nowhere.
  if (failure == -ENOENT) return kDenied;
  return report_failure("execute the stock helper", failure, "see its path behind stock=");
}

int HelperCall::obey(int socket) {
  pollfd come{.fd = socket, .events = POLLIN};
  const timespec patience{.tv_sec = patience_.answer_seconds, .tv_nsec = 0};
  const long ready = system_call(SYS_ppoll, address_of(&come), 1, address_of(&patience));
  if (ready <= 0)
    return report_failure("hear upcall-broker", ready < 0 ? ready : -ETIMEDOUT, kSeeBroker);
  const long size = system_call(SYS_recvfrom, socket, address_of(&answer_), sizeof answer_);
  if (size != static_cast<long>(sizeof answer_))
    return report_failure("hear upcall-broker", size < 0 ? size : -EBADMSG, kSeeBroker);
  switch (answer_.verdict) {
    case HelperVerdict::load:
      answer_.name.back() = '\0';
      arguments_.back() = answer_.name.data();
      return run_stock();
    case HelperVerdict::pass:
      return run_stock();
    case HelperVerdict::end:
      return answer_.status;
    case HelperVerdict::deny:
      break;
  }
  return kDenied;
}

// No broker: not yet, not any more, or not now.
int HelperCall::go_around(long failure) {
  if (options_.may_go_around) return run_stock();
  return report_failure("reach upcall-broker", failure, kSeeBroker);
}

}  // namespace upcall::shim
