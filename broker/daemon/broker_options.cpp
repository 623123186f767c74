// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker_options.h"

#include <fcntl.h>

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/text.h"

namespace upcall::daemon {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw std::runtime_error{why + "; upcall-broker is started by upcalld, not by hand"};
}

template <class T>
T number(std::string_view text) {
  const auto value = parse_integer<T>(text);
  if (!value) refuse("bad number '" + printable(text) + "'");
  return *value;
}

UniqueFd descriptor(std::string_view text) {
  const int fd = number<int>(text);
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
    refuse("descriptor " + std::to_string(fd) + " is not open");
  return UniqueFd{fd};
}

dispatch::PassRows pass_rows(std::string_view text) {
  dispatch::PassRows rows;
  rows.previous = static_cast<dispatch::PreviousPattern>(number<int>(take_until(text, ',')));
  rows.program = number<std::uint32_t>(take_until(text, ','));
  rows.file = number<std::uint32_t>(text);
  rows.file_as_root = rows.program;
  return rows;
}

void apply(BrokerOptions& options, std::string_view name, std::string_view value) {
  if (name == "--launcher") {
    options.launcher = descriptor(value);
  } else if (name == "--supervisor") {
    options.supervisor = descriptor(value);
  } else if (name == "--policy") {
    options.policy = descriptor(value);
  } else if (name == "--state-directories") {
    options.state_directories = descriptor(value);
  } else if (name == "--proc") {
    options.proc = descriptor(value);
  } else if (name == "--coredump") {
    options.core_dumps = descriptor(value);
  } else if (name == "--shim") {
    options.shim = descriptor(value);
  } else if (name == "--control") {
    options.control = descriptor(value);
  } else if (name == "--uevents") {
    options.uevents = descriptor(value);
  } else if (name == "--network-uevents") {
    options.network_uevents = descriptor(value);
  } else if (name == "--sysfs") {
    options.sysfs = descriptor(value);
  } else if (name == "--modules") {
    options.modules = descriptor(value);
  } else if (name == "--helpers") {
    options.helpers = descriptor(value);
  } else if (name == "--state-directory") {
    options.state_directory = value;
  } else if (name == "--trace-layout") {
    options.trace_layout = descriptor(value);
  } else if (name == "--trace-buffers") {
    while (!value.empty()) options.trace_buffers.push_back(descriptor(take_until(value, ',')));
  } else if (name == "--module-names") {
    options.module_names = descriptor(value);
  } else if (name == "--inotify") {
    options.inotify = descriptor(value);
  } else if (name == "--cgroup") {
    auto directory = descriptor(take_until(value, ','));
    options.cgroups.push_back({.directory = std::move(directory), .path = std::string{value}});
  } else if (name == "--pass") {
    options.pass = pass_rows(value);
  } else if (name == "--log-level") {
    options.log_level = static_cast<log::Level>(number<int>(value));
  } else {
    refuse("unknown option '" + printable(name) + "'");
  }
}

}  // namespace

BrokerOptions parse_broker_options(int argc, char** argv) {
  BrokerOptions options;
  for (int i = 1; i < argc; ++i) {
    std::string_view value = argv[i];
    const auto name = take_until(value, '=');
    apply(options, name, value);
  }
  for (const auto* fd : {&options.launcher, &options.supervisor, &options.policy,
                         &options.state_directories, &options.proc, &options.core_dumps,
                         &options.shim, &options.control, &options.uevents, &options.sysfs}) {
    if (!*fd) refuse("a descriptor is missing");
  }
  return options;
}

}  // namespace upcall::daemon
