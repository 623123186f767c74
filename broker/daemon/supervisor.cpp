// SPDX-License-Identifier: Apache-2.0
#include "daemon/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <stdexcept>

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "kernel/trace_instance.h"
#include "wire/seqpacket.h"

namespace upcall::daemon {
namespace {

using Clock = std::chrono::steady_clock;
using wire::SupervisorMessageType;

// With a limit of its own the kernel would drop what comes above it, and we have ours; but only
// with one does it keep the process until the helper is done (fs/coredump.c).
constexpr unsigned kPipeLimit = 1U << 20U;

constexpr int kStartMilliseconds = std::chrono::milliseconds{limits::kStart}.count();
constexpr int kSelfTestMilliseconds = std::chrono::milliseconds{limits::kSelfTest}.count();
constexpr int kStopMilliseconds = std::chrono::milliseconds{limits::kStop}.count();
constexpr int kWatchMilliseconds = std::chrono::milliseconds{limits::kWatch}.count();
// The launcher ends as soon as it hears that the broker has.
constexpr int kLauncherEndMilliseconds = 5000;

// A process of ours that waits for its turn and then dumps core.
class SelfTestCrash {
 public:
  SelfTestCrash() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    const UniqueFd wait{ends[0]};
    go_ = UniqueFd{ends[1]};
    pid_ = ::fork();
    if (pid_ == 0) {
      go_.reset();
      crash(wait.get());
    }
  }
  SelfTestCrash(const SelfTestCrash&) = delete;
  SelfTestCrash& operator=(const SelfTestCrash&) = delete;
  ~SelfTestCrash() {
    if (pid_ <= 0) return;
    (void)::kill(pid_, SIGKILL);  // ours and not reaped, so the number is still its own
    (void)::waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  void go() { go_.reset(); }

 private:
  [[noreturn]] static void crash(int wait) {
    pollfd go{.fd = wait};
    (void)::poll(&go, 1, -1);                    // for the other end to close
    (void)::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // upcalld itself is not, and we are a copy of it
    (void)::signal(SIGABRT, SIG_DFL);            // NOLINT: nothing else runs in this process
    ::abort();
  }

  pid_t pid_{-1};
  UniqueFd go_;
};

// Takes one signal off. Other daemons read their files anew at SIGHUP, and nobody who sends it
// wants an end.
bool is_stop(int signals) {
  signalfd_siginfo signal{};
  if (::read(signals, &signal, sizeof signal) != sizeof signal) return false;
  if (signal.ssi_signo != SIGHUP) return true;
  log::warning(
      "SIGHUP does nothing here: a new policy is taken by a restart, after 'upcalld "
      "--check'");
  return false;
}

}  // namespace

void Supervisor::start() {
  expect(SupervisorMessageType::ready, kStartMilliseconds);
  const auto mode = parts_.core_mode;
  const bool registered = (mode != CoreMode::pipe && try_mode(CoreMode::socket)) ||
                          (mode != CoreMode::socket && try_mode(CoreMode::pipe));
  if (!registered) {
    throw std::runtime_error{
        "no core dump arrives here, so nothing was registered; the lines above say why"};
  }
  register_for_helpers();
}

std::vector<HelperRegistration*> Supervisor::helpers() {
  std::vector<HelperRegistration*> all{&parts_.modules};
  for (auto& agent : parts_.release_agents) all.push_back(&agent);
  return all;
}

void Supervisor::register_for_helpers() {
  if (!parts_.traces) return;
  helpers_registered_ = true;
  tell_launcher(parts_.registration.ours());
  if (parts_.rules_on_modules) register_for_modules();
  for (auto& agent : parts_.release_agents) {
    or_throw(agent.take_over({.program = parts_.shim,
                              .socket = parts_.listeners.helpers.path,
                              .absent_denies = parts_.helper_absent_denies}));
    log::info("empty cgroups are told of by " + printable(agent.file()));
  }
}

void Supervisor::register_for_modules() {
  or_throw(parts_.modules.take_over({.program = parts_.shim,
                                     .socket = parts_.listeners.modules.path,
                                     .absent_denies = parts_.modprobe_absent_denies}));
  if (parts_.modules.possible()) return log::info("modules come by " + parts_.modules.ours());
  log::warning("this kernel has no kernel.modprobe: the rules on modprobe are never asked");
}

void Supervisor::restore_helpers() {
  helpers_registered_ = false;
  for (auto* helper : helpers()) {
    if (const auto restored = helper->restore(); !restored) {
      log::error(describe(restored.error()) + "; restore " + printable(helper->file()) +
                 " by hand to '" + printable(helper->previous()) + "'");
    }
  }
}

bool Supervisor::try_mode(CoreMode mode) {
  const bool socket = mode == CoreMode::socket;
  const auto modes = kernel::read_core_modes();
  if (socket && (!modes || std::find(modes->begin(), modes->end(), "socket") == modes->end())) {
    log::info("this kernel does not offer core dump sockets (no \"socket\" in kernel.core_modes)");
    return false;
  }
  const auto pattern = socket ? kernel::socket_core_pattern(parts_.listeners.core_dumps.path)
                              : kernel::shim_core_pattern(parts_.shim, parts_.listeners.shim.path);
  auto& registration = parts_.registration;
  if (pattern) tell_launcher(*pattern);
  const auto taken = pattern
                         ? registration.take_over(
                               *pattern, socket ? registration.previous().pipe_limit : kPipeLimit)
                         : Result<Ok>{pattern.error()};
  if (taken && self_test()) {
    log::info("core dumps come by " + *pattern);
    return true;
  }
  if (!taken) log::warning(describe(taken.error()));
  if (const auto restored = registration.restore(); !restored)
    log::error(describe(restored.error()));
  tell_launcher({});
  return false;
}

bool Supervisor::self_test() {
  SelfTestCrash crash;
  if (crash.pid() <= 0) return false;
  tell_broker(SupervisorMessageType::expect_self_test, crash.pid());
  expect(SupervisorMessageType::expect_self_test, kStartMilliseconds);
  crash.go();
  try {
    expect(SupervisorMessageType::self_test_arrived, kSelfTestMilliseconds);
  } catch (const std::runtime_error&) {
    log::warning("a test crash did not arrive by '" + printable(parts_.registration.ours()) +
                 "'; see the kernel's log (dmesg) for its reason");
    return false;
  }
  return true;
}

int Supervisor::run() {
  auto next_watch = Clock::now() + limits::kWatch;
  for (;;) {
    switch (wait(kWatchMilliseconds)) {
      case Wake::signal:
        log::info("told to stop");
        return 0;
      case Wake::launcher_died:
        log::error("the launcher died; stopping");
        return 1;
      case Wake::broker_died:
        log::error("the broker died; stopping");
        return 1;
      case Wake::message:
        throw std::runtime_error{"the broker spoke out of turn"};
      case Wake::time:
        break;
    }
    if (Clock::now() < next_watch) continue;
    next_watch = Clock::now() + limits::kWatch;
    watch();
  }
}

void Supervisor::stop() {
  (void)::sd_notify(0, "STOPPING=1");
  restore_helpers();
  // First of all, so that no crash comes to a socket that nobody serves any more.
  if (const auto restored = parts_.registration.restore(); !restored) {
    log::error(describe(restored.error()) + "; restore kernel.core_pattern by hand to '" +
               printable(parts_.registration.previous().pattern) + "'");
  }
  tell_launcher({});
  tell_broker(SupervisorMessageType::stop);
  log::info("broker " + parts_.broker.end(kStopMilliseconds));
  remove_trace();
  log::info("launcher " + parts_.launcher.end(kLauncherEndMilliseconds));
  remove_listeners(parts_.listeners);
}

// Once nobody reads it any more.
void Supervisor::remove_trace() {
  if (!std::exchange(parts_.traces, false)) return;
  const auto removed = kernel::remove_trace_instance();
  if (!removed) log::error(describe(removed.error()));
  tell_launcher({});  // it has nothing left to guard, and may end
}

void Supervisor::watch_helpers() {
  for (auto* helper : helpers()) {
    const auto other = helper->taken_by();
    if (!other) {
      log::warning(describe(other.error()) + ", ignoring");
    } else if (other->empty()) {
      taken_helpers_.erase(helper->file());
    } else if (taken_helpers_.insert(helper->file()).second) {
      log::warning("another program wrote '" + printable(*other) + "' to " +
                   printable(helper->file()) +
                   ": what came from there goes elsewhere now. Restart upcalld to take it back");
    }
  }
}

void Supervisor::watch() {
  watch_helpers();
  auto& registration = parts_.registration;
  const auto other = registration.taken_by();
  if (!other) return log::warning(describe(other.error()) + ", ignoring");
  if (other->empty()) {
    takeover_known_ = false;
    return;
  }
  if (parts_.core_pattern_taken == policy::OnTakeover::restore) {
    const auto written = kernel::write_core_pattern(registration.ours());
    if (!written) return log::error(describe(written.error()));
    return log::warning("another program set kernel.core_pattern to '" + printable(*other) +
                        "'; restored ours, as the policy says");
  }
  if (std::exchange(takeover_known_, true)) return;
  log::warning("another program set kernel.core_pattern to '" + printable(*other) +
               "': core dumps go there now. Restart upcalld to take it back, or set "
               "'defaults: {core_pattern_taken: restore}'");
}

Supervisor::Wake Supervisor::wait(std::optional<int> milliseconds) const {
  std::array<pollfd, 4> events = {pollfd{.fd = parts_.signals.get(), .events = POLLIN},
                                  pollfd{.fd = parts_.launcher.pidfd(), .events = POLLIN},
                                  pollfd{.fd = parts_.broker.pidfd(), .events = POLLIN},
                                  pollfd{.fd = parts_.broker_socket.get(), .events = POLLIN}};
  for (;;) {
    const int ready = ::poll(events.data(), events.size(), milliseconds.value_or(-1));
    if (ready < 0 && errno != EINTR)
      throw std::system_error{errno, std::system_category(), "cannot poll"};
    if (ready == 0) return Wake::time;
    if (ready < 0) continue;
    if (events[0].revents != 0 && is_stop(parts_.signals.get())) return Wake::signal;
    if (events[1].revents != 0) return Wake::launcher_died;
    // Its socket closes a moment before its pidfd tells.
    const bool hung_up = (events[3].revents & (POLLHUP | POLLERR)) != 0;
    if (events[2].revents != 0 || hung_up) return Wake::broker_died;
    if (events[3].revents != 0) return Wake::message;
  }
}

void Supervisor::expect(SupervisorMessageType type, int milliseconds) {
  switch (wait(milliseconds)) {
    case Wake::signal:
      throw std::runtime_error{"told to stop before the start was over"};
    case Wake::launcher_died:
      throw std::runtime_error{"the launcher " + parts_.launcher.end(0) +
                               " before the start was over"};
    case Wake::broker_died:
      throw std::runtime_error{"the broker " + parts_.broker.end(0) + " before the start was over"};
    case Wake::time:
      throw std::runtime_error{"the broker did not answer in time"};
    case Wake::message:
      break;
  }
  wire::SupervisorMessage message;
  const auto received = wire::receive_message(parts_.broker_socket.get(),
                                              std::as_writable_bytes(std::span{&message, 1}));
  if (!received || received->size != sizeof message || message.type != type) {
    throw std::runtime_error{"the broker broke off or said something unexpected"};
  }
}

void Supervisor::tell_broker(SupervisorMessageType type, pid_t pid) const {
  const wire::SupervisorMessage message{.type = type, .pid = pid};
  // A broker that is gone is noticed by its pidfd.
  (void)wire::send_message(parts_.broker_socket.get(), wire::bytes_of(message));
}

// What the launcher puts back should this process be killed: told before it changes, since the
// launcher looks whether `ours` stands there at all. Empty: nothing.
void Supervisor::tell_launcher(const std::string& ours) {
  const auto& registration = parts_.registration;
  wire::GuardRecord record;
  if (!ours.empty() && !registration.kept_by_others()) {
    const auto& previous = registration.previous();
    ours.copy(record.ours.data(), record.ours.size() - 1);
    previous.pattern.copy(record.previous.data(), record.previous.size() - 1);
    record.our_pipe_limit = static_cast<std::int32_t>(kPipeLimit);
    record.previous_pipe_limit = static_cast<std::int32_t>(previous.pipe_limit);
  }
  record.traces = parts_.traces ? 1 : 0;
  auto* setting = record.helpers.begin();
  for (const auto* helper : helpers()) {
    if (!helpers_registered_ || !helper->possible()) continue;
    const auto write = [](const std::string& text, auto& into) {
      text.copy(into.data(), into.size() - 1);
    };
    write(helper->file(), setting->file);
    write(helper->ours(), setting->ours);
    write(helper->previous(), setting->previous);
    ++setting;
  }
  (void)wire::send_message(parts_.launcher_socket.get(), wire::bytes_of(record));
}

}  // namespace upcall::daemon
