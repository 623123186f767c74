// SPDX-License-Identifier: Apache-2.0
// upcall-launcher: the privileged hands. Started by upcalld out of the vault.
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/memfd.h"
#include "base/text.h"
#include "kernel/process_lock.h"
#include "launcher/low_fds.h"
#include "launcher/privileges.h"
#include "launcher/service.h"
#include "wire/supervisor.h"

namespace {

using namespace upcall;

struct Descriptors {
  UniqueFd broker;
  UniqueFd supervisor;
  UniqueFd handlers;
  UniqueFd state_directories;
  UniqueFd vault;
  UniqueFd runtime_lock;  // these two stay open until the end (wire::kLauncherLock)
  UniqueFd state_lock;
  UniqueFd networks;  // only where the policy has rules on containers' own devices
};

struct Option {
  std::string_view name;
  UniqueFd Descriptors::*fd;
  bool optional{};
};
constexpr std::array kOptions = {
    Option{.name = "--broker", .fd = &Descriptors::broker},
    Option{.name = "--supervisor", .fd = &Descriptors::supervisor},
    Option{.name = "--handlers", .fd = &Descriptors::handlers},
    Option{.name = "--state-directories", .fd = &Descriptors::state_directories},
    Option{.name = "--vault", .fd = &Descriptors::vault},
    Option{.name = "--runtime-lock", .fd = &Descriptors::runtime_lock, .optional = true},
    Option{.name = "--state-lock", .fd = &Descriptors::state_lock, .optional = true},
    Option{.name = "--networks", .fd = &Descriptors::networks, .optional = true}};

[[noreturn]] void refuse(const std::string& why) {
  throw std::runtime_error{why + "; upcall-launcher is started by upcalld, not by hand"};
}

Descriptors parse_options(int argc, char** argv) {
  Descriptors fds;
  for (const std::string_view argument :
       std::span{argv, static_cast<std::size_t>(argc)}.subspan(1)) {
    auto value = argument;
    const auto name = take_until(value, '=');
    const auto* const found = std::ranges::find(kOptions, name, &Option::name);
    if (found == kOptions.end()) refuse("unknown option '" + printable(name) + "'");
    const auto fd = parse_integer<int>(value);
    if (!fd || ::fcntl(*fd, F_GETFD) < 0) refuse("no descriptor '" + printable(value) + "'");
    fds.*(found->fd) = UniqueFd{*fd};
  }
  for (const auto& one : kOptions)
    if (!one.optional && !(fds.*one.fd)) refuse("a descriptor is missing");
  return fds;
}

// Whoever wants those directories next waits until this process has put things back.
void hold_directories(const Descriptors& fds) {
  for (const auto* lock : {&fds.runtime_lock, &fds.state_lock}) {
    if (!*lock) continue;
    if (or_throw(kernel::take_lock(lock->get(), wire::kLauncherLock)))
      throw std::runtime_error{"another launcher has upcalld's directory"};
  }
}

std::vector<launcher::Row> read_rows(int handlers, int vault) {
  const auto bytes = or_throw(read_sealed_memfd(handlers));
  auto table = or_throw(wire::unpack_handlers(std::as_bytes(std::span{bytes})));
  return or_throw(launcher::open_rows(std::move(table), vault));
}

launcher::Records read_records(int state_directories) {
  const auto bytes = or_throw(read_sealed_memfd(state_directories));
  return launcher::Records{
      or_throw(wire::unpack_state_directories(std::as_bytes(std::span{bytes})))};
}

void serve(int argc, char** argv) {
  or_throw(launcher::refuse_suid_dumpable());
  auto fds = parse_options(argc, argv);
  std::vector<UniqueFd*> all;
  for (const auto& one : kOptions)
    if (fds.*one.fd) all.push_back(&(fds.*one.fd));
  or_throw(launcher::clear_low_fds(all));
  hold_directories(fds);
  or_throw(launcher::limit_capabilities(launcher::kept_capabilities()));
  auto own = or_throw(launcher::look_at_ourselves());
  if (!own.tasks) {
    (void)std::fprintf(
        stderr, "upcall-launcher: handlers in containers with seccomp filters may not run: %s\n",
        describe(own.tasks.error()).c_str());
  }
  or_throw(launcher::settle());
  or_throw(launcher::isolate_keys());
  if (::chdir("/") != 0) or_throw<Ok>(from_errno("leave the working directory"));
  auto rows = read_rows(fds.handlers.get(), fds.vault.get());
  auto records = read_records(fds.state_directories.get());
  fds.handlers.reset();
  fds.state_directories.reset();
  fds.vault.reset();
  launcher::Sockets sockets{.broker = std::move(fds.broker),
                            .supervisor = std::move(fds.supervisor)};
  if (fds.networks)
    sockets.networks.emplace(or_throw(kernel::NetworkNumbers::take(std::move(fds.networks))));
  launcher::Service service{std::move(own), std::move(rows), std::move(records),
                            std::move(sockets)};
  service.run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    serve(argc, argv);
    return 0;
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "upcall-launcher: %s\n", error.what());
    return 1;
  }
}
