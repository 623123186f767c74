// SPDX-License-Identifier: Apache-2.0
#include "shims/key_shim.h"

#include <linux/keyctl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "shims/broker.h"
#include "shims/options.h"
#include "shims/report.h"
#include "shims/system_call.h"
#include "shims/text.h"
#include "wire/shim.h"

namespace upcall::shim {
namespace {

using wire::KeyVerdict;

// For a broker to take the call; and then for its verdict, which comes sooner (limits.h): the
// kernel warns of tasks that sleep for two minutes.
constexpr long kTakenSeconds = 20;
constexpr long kVerdictSeconds = 115;

constexpr std::size_t kArguments = 8;

// How long the kernel remembers our own refusals: enough to calm a requester that tries again at
// once, and not so long that it outlives what was wrong.
constexpr unsigned kShort = 1;
constexpr unsigned kOutage = 5;
// What it does where no helper answers (key_negative_timeout).
constexpr unsigned kNobody = 60;
// The kernel counts the seconds that its clock begins, the present one too: one alone may be over
// before the requester has looked, which then hears ENOKEY whatever the answer was. And with 0 it
// would forget an error at once.
constexpr unsigned kLeastSeconds = 2;

constexpr std::int32_t kNoKeyring = 0;

constexpr unsigned at_least_one_whole(unsigned seconds) {
  return seconds < kLeastSeconds ? kLeastSeconds : seconds;
}

template <class... Args>
long keyctl(int operation, Args... args) {
  return system_call(SYS_keyctl, operation, static_cast<long>(args)...);
}

// A whole answer, as it came.
struct Answer {
  wire::KeyAnswer head;
  std::array<char, wire::kMaxKeyPayload + 1> payload{};
};
static_assert(sizeof(Answer) >= wire::kMaxKeyAnswer);
// Here, since the stack that the kernel gives is small.
Answer answer;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

class Request {
 public:
  Request(const Options& options, std::span<char* const> arguments, char* const* environment)
      : options_{options},
        arguments_{arguments},
        environment_{environment},
        key_{parse_number<std::int32_t>(arguments[2])} {}

  int serve() {
    authority_ = keyctl(KEYCTL_ASSUME_AUTHORITY, key_);
    if (authority_ < 0)
      return report_failure("answer for a key", authority_, "only the kernel may start it");
    broker_ = connect_to_broker(options_.socket, kTakenSeconds);
    if (broker_ == -EAGAIN) return refuse("reach upcall-broker", broker_, EBUSY, kShort);
    if (broker_ < 0) return go_around();
    const wire::ShimKeyRequest call{.key = key_,
                                    .thread_keyring = parse_number<std::int32_t>(arguments_[5]),
                                    .process_keyring = parse_number<std::int32_t>(arguments_[6]),
                                    .session_keyring = parse_number<std::int32_t>(arguments_[7])};
    send(&call, sizeof call);
    return obey();
  }

 private:
  void send(const void* message, std::size_t size) const {
    // A broker that is gone is noticed where its verdict is waited for.
    system_call(SYS_sendto, broker_, address_of(message), static_cast<long>(size), MSG_NOSIGNAL);
  }

  void report(long result) const {
    const wire::KeyReport report{.verdict = answer.head.verdict,
                                 .error = result < 0 ? static_cast<std::int32_t>(-result) : 0};
    send(&report, sizeof report);
  }

  // 0 for an answer, or a negated errno.
  [[nodiscard]] long receive(long seconds) const {
    pollfd come{.fd = static_cast<int>(broker_), .events = POLLIN};
    const timespec patience{.tv_sec = seconds, .tv_nsec = 0};
    const long ready = system_call(SYS_ppoll, address_of(&come), 1, address_of(&patience));
    if (ready <= 0) return ready < 0 ? ready : -ETIMEDOUT;
    const long size = system_call(SYS_recvfrom, broker_, address_of(&answer), sizeof answer);
    if (size <= 0) return -EHOSTDOWN;
    const auto& head = answer.head;
    const bool whole = size >= static_cast<long>(sizeof head) &&
                       head.payload_bytes <= sizeof answer.payload &&
                       size == static_cast<long>(sizeof head + head.payload_bytes);
    return whole ? 0 : -EBADMSG;
  }

  // The authority lands once at most, so that all of it is over after three waits whatever the
  // broker says.
  int obey() {
    long failure = receive(kTakenSeconds);
    if (failure == 0 && answer.head.verdict == KeyVerdict::land) {
      report(keyctl(KEYCTL_LINK, authority_, answer.head.keyring));
      failure = receive(kVerdictSeconds);
    }
    if (failure < 0) {
      return refuse("hear upcall-broker", failure, static_cast<int>(-failure), kOutage);
    }
    if (answer.head.verdict == KeyVerdict::pass) return run_stock();
    report(carry_out());
    return 0;
  }

  long carry_out() {
    const auto& head = answer.head;
    switch (head.verdict) {
      case KeyVerdict::reject:
        return reject(head.error, head.seconds);
      case KeyVerdict::instantiate:
        return instantiate();
      case KeyVerdict::answered:
        // It can only be rejected if nobody has answered it.
        return reject(head.error, head.seconds) < 0 ? 0 : -ENODATA;
      default:
        (void)reject(EHOSTDOWN, kOutage);
        return -EBADMSG;
    }
  }

  long instantiate() {
    const auto& head = answer.head;
    // First, since the authority to set it ends with the answer.
    if (head.seconds != 0) keyctl(KEYCTL_SET_TIMEOUT, key_, at_least_one_whole(head.seconds));
    const iovec payload{.iov_base = &answer.payload, .iov_len = head.payload_bytes};
    const long result =
        keyctl(KEYCTL_INSTANTIATE_IOV, key_, address_of(&payload), 1, KEY_SPEC_REQUESTOR_KEYRING);
    // A payload that its type does not take, or a quota that it exceeds.
    if (result < 0) (void)reject(static_cast<int>(-result), kOutage);
    return result;
  }

  [[nodiscard]] long reject(int error, unsigned seconds) const {
    const long result = reject_into(KEY_SPEC_REQUESTOR_KEYRING, error, seconds);
    // A keyring whose links are restricted (KEYCTL_RESTRICT_KEYRING) takes none.
    return result == -EPERM ? reject_into(kNoKeyring, error, seconds) : result;
  }

  [[nodiscard]] long reject_into(std::int32_t keyring, int error, unsigned seconds) const {
    return keyctl(KEYCTL_REJECT, key_, at_least_one_whole(seconds), error, keyring);
  }

  [[nodiscard]] int refuse(std::string_view doing, long failure, int error,
                           unsigned seconds) const {
    (void)reject(error, seconds);
    return report_failure(doing, failure, kSeeBroker);
  }

  // No broker: not yet, not any more, or not now.
  int go_around() {
    if (options_.may_go_around && options_.stock != nullptr) return run_stock();
    return refuse("reach upcall-broker", broker_, EHOSTDOWN, kOutage);
  }

  // As if it had been started in our place: the same arguments, session keyring and authority.
  // Without one it is as with a stock helper that finds no line for the key.
  int run_stock() {
    if (options_.stock == nullptr) {
      (void)reject(ENOKEY, kNobody);
      return 0;
    }
    const long failure = system_call(SYS_execve, address_of(options_.stock),
                                     address_of(static_cast<const void*>(arguments_.data())),
                                     address_of(static_cast<const void*>(environment_)));
    (void)reject(ENOKEY, kOutage);
    return report_failure("execute the stock helper", failure, "see its path behind stock=");
  }

  Options options_;
  std::span<char* const> arguments_;
  char* const* environment_;
  std::int32_t key_;
  long authority_{-1};
  long broker_{-1};
};

}  // namespace

int run_key_shim(char* options, std::span<char*> arguments, char* const* environment) {
  if (arguments.size() != kArguments || std::string_view{arguments[1]} != "create") {
    return report_failure("understand its arguments", -EINVAL, "see upcall-shim --help");
  }
  return Request{parse_options(options), arguments, environment}.serve();
}

}  // namespace upcall::shim
