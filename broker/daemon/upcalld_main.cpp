// SPDX-License-Identifier: Apache-2.0
// upcalld: start-up, and the guard of what it started. docs/ARCHITECTURE.md has the three programs.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <span>
#include <stdexcept>

#include "base/log.h"
#include "base/text.h"
#include "daemon/check.h"
#include "daemon/compiled_policy.h"
#include "daemon/helper_parts.h"
#include "daemon/listeners.h"
#include "daemon/options.h"
#include "daemon/own_directory.h"
#include "daemon/registration.h"
#include "daemon/supervisor.h"
#include "kernel/detached_mount.h"
#include "kernel/features.h"
#include "kernel/network_collector.h"
#include "launcher/vault.h"
#include "wire/seqpacket.h"

namespace upcall::daemon {
namespace {

// The programs beside this one: the same from the build tree and installed.
struct Siblings {
  std::string broker;
  std::string launcher;
  std::string shim;
  std::string core;
  std::string pass;
  std::string forward;
  std::string node;
};

std::string directory_of_this_program() {
  std::array<char, PATH_MAX> path{};
  const ssize_t n = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (n < 0)
    throw std::system_error{errno, std::system_category(), "cannot find out where upcalld is"};
  const std::string whole{path.data(), static_cast<std::size_t>(n)};
  return whole.substr(0, whole.rfind('/'));
}

Siblings find_siblings() {
  const auto here = directory_of_this_program();
  const std::string installed = UPCALL_LIBEXECDIR;
  const bool from_build_tree = ::access((here + "/upcall-broker").c_str(), X_OK) == 0;
  if (!from_build_tree && ::access((installed + "/upcall-broker").c_str(), X_OK) != 0) {
    throw std::system_error{errno, std::system_category(),
                            "upcalld's other programs are neither beside it nor in '" + installed +
                                "', where its build says that they are installed: install them "
                                "there, or build with another CMAKE_INSTALL_PREFIX"};
  }
  const auto programs = from_build_tree ? here : installed;
  const auto handlers = from_build_tree ? here + "/../libexec" : installed;
  return {.broker = programs + "/upcall-broker",
          .launcher = programs + "/upcall-launcher",
          .shim = here + "/upcall-shim",
          .core = handlers + "/core",
          .pass = handlers + "/pass",
          .forward = handlers + "/forward",
          .node = handlers + "/node"};
}

UniqueFd open_or_throw(const std::string& path, int flags) {
  UniqueFd fd{::open(path.c_str(), flags | O_CLOEXEC)};
  if (!fd) throw std::system_error{errno, std::system_category(), "cannot open '" + path + "'"};
  return fd;
}

struct Directories {
  OwnDirectory runtime;
  OwnDirectory state;
};

Directories take_directories(const Options& options) {
  return {.runtime = take_directory(options.runtime_directory, "--runtime-directory"),
          .state = take_directory(options.state_directory, "--state-directory")};
}

struct SocketPair {
  UniqueFd ours;
  UniqueFd theirs;
};

SocketPair make_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::system_error{errno, std::system_category(), "cannot make a socket pair"};
  }
  return {.ours = UniqueFd{ends[0]}, .theirs = UniqueFd{ends[1]}};
}

UniqueFd catch_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGHUP);
  if (::sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) {
    throw std::system_error{errno, std::system_category(), "cannot block signals"};
  }
  UniqueFd fd{::signalfd(-1, &signals, SFD_CLOEXEC)};
  if (!fd) throw std::system_error{errno, std::system_category(), "cannot make a signalfd"};
  return fd;
}

std::string option(const char* name, int fd) {
  return std::string{"--"} + name + "=" + std::to_string(fd);
}

void add_option(const char* name, int fd, ChildSpec& spec) {
  spec.arguments.push_back(option(name, fd));
  spec.inherited.push_back(fd);
}

// `networks` is for kernel::NetworkNumbers; empty where no rule needs it.
Child start_launcher(const Siblings& siblings, const CompiledPolicy& compiled,
                     const Directories& directories, int broker, int supervisor,
                     const UniqueFd& networks) {
  const std::array files = {launcher::VaultFile{.name = "launcher", .source = siblings.launcher},
                            launcher::VaultFile{.name = "core", .source = siblings.core},
                            launcher::VaultFile{.name = "pass", .source = siblings.pass},
                            launcher::VaultFile{.name = "forward", .source = siblings.forward},
                            launcher::VaultFile{.name = "node", .source = siblings.node}};
  const auto vault = or_throw(launcher::make_vault(files));
  const UniqueFd program{::openat(vault.get(), "launcher", O_PATH | O_CLOEXEC)};
  if (!program)
    throw std::system_error{errno, std::system_category(), "cannot open the vault's launcher"};
  ChildSpec spec{
      .program = program.get(),
      .arguments = {"upcall-launcher", option("broker", broker), option("supervisor", supervisor),
                    option("handlers", compiled.handlers.get()),
                    option("state-directories", compiled.state_directories.get()),
                    option("vault", vault.get())},
      .inherited = {broker, supervisor, compiled.handlers.get(), compiled.state_directories.get(),
                    vault.get()}};
  add_option("runtime-lock", directories.runtime.lock.get(), spec);
  add_option("state-lock", directories.state.lock.get(), spec);
  if (networks) add_option("networks", networks.get(), spec);
  return or_throw(start_child(spec));
}

void add_helper_parts(const HelperParts& parts, const Listeners& listeners,
                      const std::string& state, ChildSpec& spec) {
  std::string buffers;
  for (const auto& buffer : parts.trace.buffers) {
    buffers += (buffers.empty() ? "" : ",") + std::to_string(buffer.get());
    spec.inherited.push_back(buffer.get());
  }
  spec.arguments.insert(spec.arguments.end(),
                        {"--trace-buffers=" + buffers, "--state-directory=" + state});
  add_option("trace-layout", parts.layout.get(), spec);
  add_option("module-names", parts.module_names.get(), spec);
  if (listeners.modules.socket) add_option("modules", listeners.modules.socket.get(), spec);
  if (listeners.helpers.socket) add_option("helpers", listeners.helpers.socket.get(), spec);
  if (parts.inotify) add_option("inotify", parts.inotify.get(), spec);
  for (const auto& cgroup : parts.cgroups) {
    spec.arguments.push_back(option("cgroup", cgroup.directory.get()) + "," + cgroup.path);
    spec.inherited.push_back(cgroup.directory.get());
  }
}

Child start_broker(const Siblings& siblings, const Options& options, const CompiledPolicy& compiled,
                   const Listeners& listeners, const HelperParts* helpers, const std::string& state,
                   const UniqueFd& network_uevents, int launcher, int supervisor) {
  const auto program = open_or_throw(siblings.broker, O_PATH);
  const int core_dumps = listeners.core_dumps.socket.get();
  const int shim = listeners.shim.socket.get();
  const int control = listeners.control.socket.get();
  const int uevents = listeners.uevents.get();
  const auto proc = or_throw(kernel::mount_detached_proc());
  const auto sysfs = or_throw(kernel::mount_detached_sysfs());
  ChildSpec spec{
      .program = program.get(),
      .arguments = {"upcall-broker", option("launcher", launcher), option("supervisor", supervisor),
                    option("policy", compiled.policy.get()),
                    option("state-directories", compiled.state_directories.get()),
                    option("proc", proc.get()), option("coredump", core_dumps),
                    option("shim", shim), option("control", control), option("uevents", uevents),
                    option("sysfs", sysfs.get()),
                    option("log-level", static_cast<int>(options.log_level)),
                    "--pass=" + std::to_string(static_cast<int>(compiled.pass.previous)) + "," +
                        std::to_string(compiled.pass.program) + "," +
                        std::to_string(compiled.pass.file)},
      .inherited = {launcher, supervisor, compiled.policy.get(), compiled.state_directories.get(),
                    proc.get(), core_dumps, shim, control, uevents, sysfs.get()},
      .unprivileged = find_broker_ids(options.broker_user)};
  if (network_uevents) add_option("network-uevents", network_uevents.get(), spec);
  if (helpers != nullptr) add_helper_parts(*helpers, listeners, state, spec);
  return or_throw(start_child(spec));
}

// Empty where no rule is about the devices of containers' own.
kernel::NetworkCollector collector_for(const CompiledPolicy& compiled) {
  if (!compiled.rules_on_networks) return {};
  auto collector = kernel::make_network_collector(limits::kNetworkUeventBuffer);
  if (collector) return *std::move(collector);
  throw std::runtime_error{
      "the policy has rules on uevents with a 'container', which take CAP_SYS_ADMIN, "
      "CAP_NET_ADMIN, "
      "CAP_NET_BROADCAST and one more network namespace (user.max_net_namespaces): " +
      describe(collector.error())};
}

struct Programs {
  Child launcher;
  Child broker;
  UniqueFd launcher_socket;
  UniqueFd broker_socket;
};

// Of their own ends nothing is left here: a copy would keep them from noticing each other's death.
Programs start_programs(const Options& options, const Siblings& siblings,
                        const CompiledPolicy& compiled, const Directories& directories,
                        const Listeners& listeners, const HelperParts* helpers) {
  const auto launcher_broker = make_pair();
  auto launcher_end = make_pair();
  auto broker_end = make_pair();
  const auto collector = collector_for(compiled);
  auto launcher = start_launcher(siblings, compiled, directories, launcher_broker.ours.get(),
                                 launcher_end.theirs.get(), collector.numbers);
  auto broker =
      start_broker(siblings, options, compiled, listeners, helpers, directories.state.path,
                   collector.uevents, launcher_broker.theirs.get(), broker_end.theirs.get());
  return {.launcher = std::move(launcher),
          .broker = std::move(broker),
          .launcher_socket = std::move(launcher_end.ours),
          .broker_socket = std::move(broker_end.ours)};
}

void announce_ready(int fd) {
  (void)::sd_notify(0, "READY=1");
  if (fd >= 0 && ::write(fd, "READY\n", 6) != 6) {
    log::warning("cannot write to the descriptor of --once-ready-fd, ignoring");
  }
}

int say_features() {
  if (::geteuid() != 0)
    throw std::runtime_error{"only root may look at all of the kernel's features"};
  for (const auto& feature : kernel::probe_features()) {
    std::cout << (feature.present ? "yes" : "no ") << "  " << feature.name << " (Linux "
              << feature.since << "): " << (feature.present ? feature.with : feature.without)
              << '\n';
  }
  return std::cout.flush() ? 0 : 1;
}

int serve(const Options& options) {
  if (::geteuid() != 0) throw std::runtime_error{"upcalld must be started by root"};
  const auto directories = take_directories(options);
  const auto& runtime = directories.runtime.path;
  const auto& state = directories.state.path;
  auto signals = catch_signals();
  auto listeners = open_listeners(runtime, options.uevent_buffer);
  ListenersOwner listeners_owner{listeners};
  auto registration = or_throw(Registration::begin(state, listeners.core_dumps.path));
  auto compiled = or_throw(compile_policy(options.config, registration.previous()));
  if (!compiled) return 1;
  if (const auto why = why_not_passed(*compiled, registration.previous()); !why.empty())
    throw std::runtime_error{why};
  auto modules = or_throw(HelperRegistration::begin(module_setting(state)));
  auto release_agents = find_release_agents(compiled->release_agents, state);
  TraceOwner trace_owner;
  std::optional<HelperParts> helpers;
  clean_up_after_predecessor(*compiled, modules);
  if (compiled->rules_on_modules) open_module_listener(listeners, runtime);
  set_up_helper_listener(listeners, runtime, compiled->rules_on_helpers);
  if (needs_trace(*compiled))
    helpers = prepare_for_helpers(*compiled, modules.previous(), trace_owner);
  const auto siblings = find_siblings();
  write_static_line(*compiled, state,
                    {.program = siblings.shim,
                     .socket = listeners.helpers.path,
                     .absent_denies = compiled->helper_absent_denies});
  auto programs = start_programs(options, siblings, *compiled, directories, listeners,
                                 helpers ? &*helpers : nullptr);
  helpers.reset();  // an instance stays for as long as anybody has it open
  listeners_owner.release();
  Supervisor supervisor{{.listeners = std::move(listeners),
                         .registration = std::move(registration),
                         .modules = std::move(modules),
                         .release_agents = std::move(release_agents),
                         .launcher = std::move(programs.launcher),
                         .broker = std::move(programs.broker),
                         .launcher_socket = std::move(programs.launcher_socket),
                         .broker_socket = std::move(programs.broker_socket),
                         .signals = std::move(signals),
                         .core_pattern_taken = compiled->core_pattern_taken,
                         .core_mode = options.core_mode,
                         .shim = siblings.shim,
                         .traces = needs_trace(*compiled),
                         .rules_on_modules = compiled->rules_on_modules,
                         .modprobe_absent_denies = compiled->modprobe_absent_denies,
                         .helper_absent_denies = compiled->helper_absent_denies}};
  trace_owner.release();
  supervisor.start();
  announce_ready(options.ready_fd);
  return supervisor.run();
}

}  // namespace
}  // namespace upcall::daemon

int main(int argc, char** argv) {
  const auto options = upcall::daemon::parse_options(argc, argv);
  try {
    upcall::log::start("upcalld", options.log_level);
    // A process in core_pattern's path that dumps core would wait for itself.
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (options.features) return upcall::daemon::say_features();
    return options.check ? upcall::daemon::check(options) : upcall::daemon::serve(options);
  } catch (const std::exception& failure) {
    upcall::log::error(failure.what());
    return 1;
  }
}
