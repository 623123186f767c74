// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <algorithm>

#include "launcher/plan.h"
#include "wire/argument_field.h"

namespace upcall::launcher {
namespace {

constexpr std::string_view kOurs = "UPCALL_";

bool is_name(std::string_view name) {
  return name.starts_with(kOurs) &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string_view::npos;
}

std::string variable_of(std::string_view field) {
  std::string name{kOurs};
  for (const char c : field) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name + "=";
}

// The first one counts, as for getenv(3): what the policy fixed stands before what the broker says.
std::string value_of(const std::vector<std::string>& environment, const std::string& variable) {
  for (const auto& entry : environment) {
    if (entry.starts_with(variable)) return entry.substr(variable.size());
  }
  return {};
}

// Such a one cannot run for uevents and most helpers, which are no process's.
bool needs_process(const wire::HandlerRow& row) {
  return row.place == wire::Place::origin || row.user == wire::User::origin || row.authority;
}

// A file of the host is never executed in a container: it would be within the container's reach.
bool is_sound(const wire::HandlerRow& row) {
  if (row.timeout.count() <= 0 || row.arguments.empty()) return false;
  if ((row.uevents || row.helpers) && needs_process(row)) return false;
  switch (row.program) {
    case wire::Program::vault:
      return row.path.find('/') == std::string::npos;
    case wire::Program::container:
      return row.place != wire::Place::host && row.path.starts_with('/');
    case wire::Program::host:
      return row.place == wire::Place::host && row.path.starts_with('/');
  }
  return false;
}

}  // namespace

Result<std::vector<Row>> open_rows(wire::HandlerTable table, int vault) {
  std::vector<Row> rows;
  for (auto& handler : table) {
    if (!is_sound(handler))
      return from_errno("run the handler '" + handler.name + "' as it is", EINVAL);
    Row row{.handler = std::move(handler)};
    if (row.handler.program == wire::Program::vault) {
      row.executable =
          UniqueFd{::openat(vault, row.handler.path.c_str(), O_PATH | O_CLOEXEC | O_NOFOLLOW)};
      if (!row.executable) return from_errno("open '" + row.handler.path + "' in the vault", errno);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

bool is_for_nobody(const Row& row) { return row.handler.uevents || row.handler.helpers; }

bool may_run(const Row& row, const Capture& capture) {
  if (row.handler.authority && !capture.key) return false;
  if (capture.uninvolved && (!row.handler.uevents || row.handler.place != wire::Place::container)) {
    return false;
  }
  switch (row.handler.place) {
    case wire::Place::host:
      return row.handler.user != wire::User::origin || capture.origin.has_value();
    case wire::Place::container:
      return capture.verdict == wire::Verdict::in_container &&
             (!capture.by_kernel || row.handler.kernel_requests);
    case wire::Place::origin:
      return capture.origin.has_value() && capture.dumpable == 1;
  }
  return false;
}

// A handler in the place of the origin does what the kernel would have, which no filter holds back.
bool may_run_unfiltered(const Row& row, const Capture& capture) {
  return row.handler.place != wire::Place::container ||
         row.handler.seccomp == wire::Seccomp::best_effort || capture.container->filters;
}

std::optional<std::vector<std::string>> parse_environment(std::string_view bytes) {
  std::vector<std::string> environment;
  while (!bytes.empty()) {
    const auto end = bytes.find('\0');
    if (end == std::string_view::npos) return {};
    const auto entry = bytes.substr(0, end);
    const auto equals = entry.find('=');
    if (equals == std::string_view::npos || !is_name(entry.substr(0, equals))) return {};
    environment.emplace_back(entry);
    bytes.remove_prefix(end + 1);
  }
  return environment;
}

bool may_say(const std::vector<std::string>& environment, const Row& row, const Capture& capture) {
  if (capture.pidfd || !row.handler.uevents || !row.handler.helpers) return true;
  const auto event = value_of(environment, "UPCALL_EVENT=");
  return event == "uevent" || event == "usermode-helper";
}

std::vector<std::string> fill_arguments(const std::vector<std::string>& arguments,
                                        const std::vector<std::string>& environment) {
  std::vector<std::string> filled;
  filled.reserve(arguments.size());
  for (const std::string_view argument : arguments) {
    if (const auto field = wire::field_of(argument)) {
      filled.push_back(value_of(environment, variable_of(*field)));
    } else {
      filled.emplace_back(argument);
    }
  }
  return filled;
}

}  // namespace upcall::launcher
