// SPDX-License-Identifier: Apache-2.0
#include "shims/module_shim.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "shims/broker.h"
#include "shims/options.h"
#include "shims/report.h"
#include "shims/system_call.h"
#include "wire/shim.h"

namespace upcall::shim {
namespace {

using wire::ModuleVerdict;

constexpr std::size_t kArguments = 4;
constexpr std::size_t kName = 3;
constexpr int kDenied = 1;
// Together less than what the kernel lets others wait for a place among its 50.
constexpr long kTakenSeconds = 1;
constexpr long kAnswerSeconds = 4;

class Request {
 public:
  Request(const Options& options, std::span<char*> arguments, char* const* environment)
      : options_{options}, arguments_{arguments}, environment_{environment} {}

  int serve() {
    const long broker = connect_to_broker(options_.socket, kTakenSeconds);
    if (broker == -EAGAIN) return report_failure("reach upcall-broker", broker, kSeeBroker);
    if (broker < 0) return go_around(broker);
    const int socket = static_cast<int>(broker);
    wire::ShimModuleRequest call;
    const std::size_t length = std::strlen(arguments_[kName]);
    if (length >= call.name.size()) return report_failure("pass on a name", -E2BIG, "see dmesg");
    std::memcpy(call.name.data(), arguments_[kName], length);
    // A broker that is gone is noticed where its verdict is waited for.
    system_call(SYS_sendto, socket, address_of(&call), sizeof call, MSG_NOSIGNAL);
    return obey(socket);
  }

  // With the helper in our place: the same process, and what the kernel gave it.
  int run_stock() {
    if (options_.stock == nullptr) return kDenied;
    arguments_[0] = const_cast<char*>(options_.stock);
    const long failure = system_call(SYS_execve, address_of(options_.stock),
                                     address_of(arguments_.data()), address_of(environment_));
    return report_failure("execute the stock helper", failure, "see its path behind stock=");
  }

 private:
  int obey(int socket) {
    pollfd come{.fd = socket, .events = POLLIN};
    const timespec patience{.tv_sec = kAnswerSeconds, .tv_nsec = 0};
    const long ready = system_call(SYS_ppoll, address_of(&come), 1, address_of(&patience));
    if (ready <= 0)
      return report_failure("hear upcall-broker", ready < 0 ? ready : -ETIMEDOUT, kSeeBroker);
    const long size = system_call(SYS_recvfrom, socket, address_of(&answer_), sizeof answer_);
    if (size != static_cast<long>(sizeof answer_))
      return report_failure("hear upcall-broker", size < 0 ? size : -EBADMSG, kSeeBroker);
    if (answer_.verdict == ModuleVerdict::load) {
      answer_.name.back() = '\0';
      arguments_[kName] = answer_.name.data();
    }
    const bool granted =
        answer_.verdict == ModuleVerdict::pass || answer_.verdict == ModuleVerdict::load;
    return granted ? run_stock() : kDenied;
  }

  // No broker: not yet, not any more, or not now.
  int go_around(long failure) {
    if (options_.may_go_around) return run_stock();
    return report_failure("reach upcall-broker", failure, kSeeBroker);
  }

  Options options_;
  std::span<char*> arguments_;
  char* const* environment_;
  wire::ModuleAnswer answer_;
};

}  // namespace

int run_module_shim(char* options, std::span<char*> arguments, char* const* environment) {
  Request request{parse_options(options), arguments, environment};
  // A kernel that asks in another way knows why; its stock helper understands it.
  const bool usual = arguments.size() == kArguments && std::string_view{arguments[1]} == "-q" &&
                     std::string_view{arguments[2]} == "--";
  return usual ? request.serve() : request.run_stock();
}

}  // namespace upcall::shim
