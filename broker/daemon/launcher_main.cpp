// SPDX-License-Identifier: Apache-2.0
// upcall-launcher: the privileged hands. Started by upcalld out of the vault.
#include <getopt.h>

#include <cstdio>
#include <exception>
#include <vector>

#include "base/memfd.h"
#include "base/text.h"
#include "launcher/low_fds.h"
#include "launcher/privileges.h"
#include "launcher/service.h"

namespace {

using namespace upcall;

struct Descriptors {
  UniqueFd broker;
  UniqueFd supervisor;
  UniqueFd handlers;
  UniqueFd state_directories;
  UniqueFd vault;
  UniqueFd networks;  // only where the policy has rules on containers' own devices
};

Descriptors parse_options(int argc, char** argv) {
  static constexpr std::array<option, 7> kOptions = {
      {{"broker", required_argument, nullptr, 'b'},
       {"supervisor", required_argument, nullptr, 's'},
       {"handlers", required_argument, nullptr, 'h'},
       {"state-directories", required_argument, nullptr, 'd'},
       {"vault", required_argument, nullptr, 'v'},
       {"networks", required_argument, nullptr, 'n'},
       {}}};
  Descriptors fds;
  for (int c = 0; (c = ::getopt_long(argc, argv, "", kOptions.data(), nullptr)) != -1;) {
    const auto fd = optarg != nullptr ? parse_integer<int>(optarg) : std::nullopt;
    if (!fd) or_throw<Ok>(from_errno("understand the options", EINVAL));
    switch (c) {
      case 'b':
        fds.broker = UniqueFd{*fd};
        break;
      case 's':
        fds.supervisor = UniqueFd{*fd};
        break;
      case 'h':
        fds.handlers = UniqueFd{*fd};
        break;
      case 'd':
        fds.state_directories = UniqueFd{*fd};
        break;
      case 'v':
        fds.vault = UniqueFd{*fd};
        break;
      case 'n':
        fds.networks = UniqueFd{*fd};
        break;
      default:
        or_throw<Ok>(from_errno("understand the options", EINVAL));
    }
  }
  return fds;
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
  std::vector all = {&fds.broker, &fds.supervisor, &fds.handlers, &fds.state_directories,
                     &fds.vault};
  if (fds.networks) all.push_back(&fds.networks);
  or_throw(launcher::clear_low_fds(all));
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
