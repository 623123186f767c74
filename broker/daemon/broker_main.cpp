// SPDX-License-Identifier: Apache-2.0
// upcall-broker: the composition root of everything that reads untrusted bytes. One thread.
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>

#include "base/asio.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memfd.h"
#include "control/control_socket.h"
#include "control/monitors.h"
#include "daemon/broker_confinement.h"
#include "daemon/broker_options.h"
#include "daemon/device_events.h"
#include "dispatch/core_dumps.h"
#include "dispatch/emptied_cgroups.h"
#include "dispatch/helper_requests.h"
#include "dispatch/key_requests.h"
#include "launcher/client.h"
#include "policy/policy.h"
#include "sources/cgroup_watch.h"
#include "sources/core_dump_socket.h"
#include "sources/shim_socket.h"
#include "wire/seqpacket.h"
#include "wire/supervisor.h"

namespace upcall::daemon {
namespace {

using wire::SupervisorMessageType;

// Of a process whose root directory is a procfs (broker_confinement.h).
constexpr const char* kDescriptors = "/self/fd";

policy::Policy read_policy(int fd) {
  const auto bytes = or_throw(read_sealed_memfd(fd));
  return or_throw(policy::unpack_policy(std::as_bytes(std::span{bytes})));
}

wire::StateDirectories read_state_directories(int fd) {
  const auto bytes = or_throw(read_sealed_memfd(fd));
  return or_throw(wire::unpack_state_directories(std::as_bytes(std::span{bytes})));
}

kernel::TraceLayout read_trace_layout(const UniqueFd& fd) {
  kernel::TraceLayout layout;
  if (!fd) return layout;  // and there are no buffers
  const auto bytes = or_throw(read_sealed_memfd(fd.get()));
  if (bytes.size() != sizeof layout) throw std::runtime_error{"the layout of the trace is cut off"};
  std::memcpy(&layout, bytes.data(), sizeof layout);
  return layout;
}

dispatch::ModuleAliases read_aliases(const UniqueFd& fd) {
  return fd ? dispatch::ModuleAliases{or_throw(read_sealed_memfd(fd.get()))}
            : dispatch::ModuleAliases{};
}

class Broker {
 public:
  explicit Broker(BrokerOptions options)
      : policy_{read_policy(options.policy.get())},
        proc_{std::move(options.proc)},
        supervisor_{io_, options.supervisor.release()},
        launcher_{io_, std::move(options.launcher)},
        active_{io_, limits::kActive},
        active_shims_{io_, limits::kActive},
        active_modules_{io_, limits::kActiveModules},
        active_helpers_{io_, limits::kActiveHelpers},
        module_places_{io_, limits::kModules},
        helper_places_{io_, limits::kHelpers},
        unawaited_modules_{io_, limits::kModulesUnawaited},
        running_{io_, wire::kMaxCaptures},
        handling_{io_, wire::kMaxCaptures - 1},
        shares_{io_, limits::kRunningEach, limits::kWaitingEach},
        key_shares_{io_, limits::kRunningEach, 1},
        key_rates_{policy_.key_requests_per_second},
        module_shares_{io_, limits::kModulesEach, 1},
        helper_shares_{io_, limits::kHelpersEach, 1},
        helper_trace_{io_, read_trace_layout(options.trace_layout),
                      std::move(options.trace_buffers)},
        aliases_{read_aliases(options.module_names)},
        containers_{io_, launcher_, proc_.get(),
                    read_state_directories(options.state_directories.get())},
        core_dumps_{services_with(shares_),
                    {.pass = options.pass, .self_test_arrived = [this] { self_test_arrived(); }}},
        key_requests_{services_with(key_shares_)},
        state_directory_{std::move(options.state_directory)},
        module_requests_{services_with(module_shares_), helper_services_with(module_places_)},
        helper_requests_{services_with(helper_shares_), helper_services_with(helper_places_)},
        emptied_cgroups_{services_with(shares_)},
        cgroup_watch_{io_, std::move(options.inotify), kDescriptors, std::move(options.cgroups),
                      cgroup_sinks()},
        core_dump_socket_{io_, std::move(options.core_dumps), active_, core_dump_sink(),
                          &Broker::lost},
        shim_socket_{io_,
                     std::move(options.shim),
                     active_shims_,
                     {.core_dumps = core_dump_sink(), .key_requests = key_request_sink()},
                     &Broker::lost},
        device_events_{
            services_with(shares_),
            {.host = std::move(options.uevents), .networks = std::move(options.network_uevents)},
            std::move(options.sysfs)},
        monitors_{io_, device_events_.uevents(),
                  [this](bool wanted) { device_events_.monitored(wanted); }},
        control_socket_{io_,
                        std::move(options.control),
                        {containers_, launcher_, policy_, proc_.get()},
                        monitors_} {
    if (options.modules)
      module_socket_.emplace(io_, std::move(options.modules), active_modules_,
                             sinks_for(module_requests_), &Broker::lost);
    if (options.helpers)
      helper_socket_.emplace(io_, std::move(options.helpers), active_helpers_,
                             sinks_for(helper_requests_), &Broker::lost);
  }

  void run() {
    start_loop(io_, launcher_.run());
    containers_.start();
    start_loop(io_, core_dump_socket_.run());
    start_loop(io_, shim_socket_.run());
    device_events_.start();
    helper_trace_.start();
    cgroup_watch_.start();
    if (module_socket_) start_loop(io_, module_socket_->run());
    if (helper_socket_) start_loop(io_, helper_socket_->run());
    start_loop(io_, control_socket_.run());
    start_loop(io_, hear_supervisor());
    tell(SupervisorMessageType::ready);
    io_.run();
    log_counters();
  }

 private:
  dispatch::Services services_with(dispatch::FairShare& shares) {
    return {.io = io_,
            .running = running_,
            .handling = handling_,
            .shares = shares,
            .key_rates = key_rates_,
            .containers = containers_,
            .launcher = launcher_,
            .policy = policy_,
            .last_id = last_id_,
            .proc = proc_.get()};
  }
  sources::CoreDumpSink core_dump_sink() {
    return [this](sources::CoreDumpArrival arrival) { core_dumps_.take(std::move(arrival)); };
  }
  sources::KeyRequestSink key_request_sink() {
    return [this](sources::KeyRequestArrival arrival) { key_requests_.take(std::move(arrival)); };
  }
  dispatch::HelperServices helper_services_with(Semaphore& places) {
    return {.trace = helper_trace_,
            .aliases = aliases_,
            .places = places,
            .unawaited = unawaited_modules_,
            .supervisor = ::getppid(),
            .own_helpers = state_directory_};
  }
  static sources::ShimSinks sinks_for(dispatch::HelperRequests& requests) {
    return {.helpers = [&requests](sources::HelperArrival arrival) {
      requests.take(std::move(arrival));
    }};
  }
  sources::CgroupTree::Sinks cgroup_sinks() {
    return {.emptied = [this](std::string path) { emptied_cgroups_.take(std::move(path)); },
            .trouble = [](const std::string& what) { log::warning("cgroups: " + what); }};
  }
  static void lost(const std::string& why) { log::error(why + "; an event is lost"); }

  void self_test_arrived() {
    core_dumps_.expect_self_test(0);  // its pid will be another process's one day
    tell(SupervisorMessageType::self_test_arrived);
  }

  void tell(SupervisorMessageType type, pid_t pid = 0) {
    const wire::SupervisorMessage message{.type = type, .pid = pid};
    or_throw(wire::send_message(supervisor_.native_handle(), wire::bytes_of(message)));
  }

  asio::awaitable<void> hear_supervisor() {
    for (;;) {
      boost::system::error_code ec;
      co_await supervisor_.async_wait(asio::posix::descriptor_base::wait_read,
                                      asio::redirect_error(asio::use_awaitable, ec));
      if (ec) throw boost::system::system_error{ec, "wait for the supervisor"};
      wire::SupervisorMessage message;
      const auto received = or_throw(wire::receive_message(
          supervisor_.native_handle(), std::as_writable_bytes(std::span{&message, 1})));
      if (received.size == 0) throw std::runtime_error{"the supervisor is gone"};
      if (message.type == SupervisorMessageType::expect_self_test) {
        core_dumps_.expect_self_test(message.pid);
        tell(SupervisorMessageType::expect_self_test);
      } else if (message.type == SupervisorMessageType::stop) {
        co_return stop();
      }
    }
  }

  // Serves what has come already, its backlog included, and then ends.
  void stop() {
    core_dumps_.tally().on_idle([this] { end_when_idle(); });
    key_requests_.tally().on_idle([this] { end_when_idle(); });
    module_requests_.tally().on_idle([this] { end_when_idle(); });
    helper_requests_.tally().on_idle([this] { end_when_idle(); });
    emptied_cgroups_.tally().on_idle([this] { end_when_idle(); });
    cgroup_watch_.stop();
    device_events_.stop([this] { end_when_idle(); });
    core_dump_socket_.drain([this] { end_when_idle(); });
    shim_socket_.drain([this] { end_when_idle(); });
    if (module_socket_) module_socket_->drain([this] { end_when_idle(); });
    if (helper_socket_) helper_socket_->drain([this] { end_when_idle(); });
  }

  void end_when_idle() {
    const bool idle = core_dumps_.tally().idle() && key_requests_.tally().idle() &&
                      module_requests_.tally().idle() && helper_requests_.tally().idle() &&
                      emptied_cgroups_.tally().idle() && device_events_.idle();
    const bool drained = core_dump_socket_.drained() && shim_socket_.drained() &&
                         (!module_socket_ || module_socket_->drained()) &&
                         (!helper_socket_ || helper_socket_->drained());
    if (idle && drained) io_.stop();
  }

  void log_counters() {
    log::info("core dumps: " + core_dumps_.tally().summary());
    log::info("key requests: " + key_requests_.tally().summary());
    device_events_.log_counters();
    const auto gaps = " gaps=" + std::to_string(helper_trace_.gaps());
    if (module_socket_) log::info("module requests: " + module_requests_.tally().summary() + gaps);
    if (helper_socket_) log::info("other helpers: " + helper_requests_.tally().summary() + gaps);
    if (cgroup_watch_.watches()) log::info("empty cgroups: " + emptied_cgroups_.tally().summary());
  }

  asio::io_context io_{1};  // one thread
  policy::Policy policy_;
  UniqueFd proc_;
  asio::posix::stream_descriptor supervisor_;
  launcher::Client launcher_;
  Semaphore active_;
  Semaphore active_shims_;  // apart, so that key requests do not wait behind dumps
  Semaphore active_modules_;
  Semaphore active_helpers_;
  Semaphore module_places_;
  Semaphore helper_places_;
  Semaphore unawaited_modules_;
  Semaphore running_;
  Semaphore handling_;
  dispatch::FairShare shares_;
  dispatch::FairShare key_shares_;
  dispatch::RateLimit key_rates_;
  dispatch::FairShare module_shares_;
  dispatch::FairShare helper_shares_;
  sources::HelperTrace helper_trace_;
  dispatch::ModuleAliases aliases_;
  dispatch::Containers containers_;
  std::uint64_t last_id_{0};  // of an event
  dispatch::CoreDumps core_dumps_;
  dispatch::KeyRequests key_requests_;
  const std::string state_directory_;
  dispatch::HelperRequests module_requests_;
  dispatch::HelperRequests helper_requests_;
  dispatch::EmptiedCgroups emptied_cgroups_;
  sources::CgroupWatch cgroup_watch_;
  sources::CoreDumpSocket core_dump_socket_;
  sources::ShimSocket shim_socket_;
  std::optional<sources::ShimSocket> module_socket_;  // without rules on modules there is none
  std::optional<sources::ShimSocket> helper_socket_;  // likewise
  DeviceEvents device_events_;
  control::Monitors monitors_;
  control::ControlSocket control_socket_;
};

}  // namespace
}  // namespace upcall::daemon

int main(int argc, char** argv) {
  try {
    // For what is wrong with the options, which say how much is logged.
    upcall::log::start("upcall-broker", upcall::log::Level::info);
    auto options = upcall::daemon::parse_broker_options(argc, argv);
    upcall::log::start("upcall-broker", options.log_level);
    upcall::daemon::confine_broker(options.proc.get());
    upcall::daemon::Broker broker{std::move(options)};
    broker.run();
    // What still waits is not unwound: it holds places in what would be gone by then.
    ::_exit(0);
  } catch (const std::exception& failure) {
    upcall::log::error(failure.what());
    return 1;
  }
}
