// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/nspawn.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/limits.h"
#include "origin/runtimes/mistake.h"

namespace upcall::origin {
namespace {

struct Machine {
  std::string name;
  std::string uid;  // whose it is (systemd 258); before, only root had machines
  std::string service;
  std::string leader;
  std::string kind;
};

constexpr std::array kKeys = {
    std::pair{std::string_view{"NAME"}, &Machine::name},
    std::pair{std::string_view{"UID"}, &Machine::uid},
    std::pair{std::string_view{"SERVICE"}, &Machine::service},
    std::pair{std::string_view{"LEADER"}, &Machine::leader},
    std::pair{std::string_view{"CLASS"}, &Machine::kind},
};

// Between quotes stands what the machine's owner may have chosen, such as ROOT, with its newlines:
// who splits at newlines alone reads forged lines. Before systemd 252 newlines were escaped.
std::string take_value(std::string_view& rest) {
  if (!rest.starts_with('"')) return std::string{take_until(rest, '\n')};
  rest.remove_prefix(1);
  std::string value;
  while (!rest.empty() && rest.front() != '"') {
    if (rest.front() == '\\' && rest.size() > 1) rest.remove_prefix(1);
    value += rest.front();
    rest.remove_prefix(1);
  }
  (void)take_until(rest, '\n');
  return value;
}

Machine read_machine(std::string_view rest) {
  Machine machine;
  while (!rest.empty()) {
    const auto end = rest.find_first_of("=\n");
    if (end == std::string_view::npos) break;
    const auto key = rest.substr(0, end);
    const bool assigns = rest[end] == '=';
    rest.remove_prefix(end + 1);
    if (!assigns) continue;  // a comment
    auto value = take_value(rest);
    const auto* known = std::ranges::find(kKeys, key, &decltype(kKeys)::value_type::first);
    if (known != kKeys.end()) machine.*(known->second) = std::move(value);
  }
  return machine;
}

}  // namespace

Result<Record> parse_machine(std::string_view name, std::string_view text) {
  const auto file = file_of("machine", name);
  if (text.size() > limits::kRecordFile) return unexpected(file, "4 MiB at most", EFBIG);
  const auto machine = read_machine(text);
  if (machine.name != name) return unexpected("NAME in " + file, "the name of the file");
  if (machine.kind != "container") {
    return unexpected("CLASS in " + file, "container", ENOTSUP);
  }
  // Names select a policy, so that only root may give them.
  if (!machine.uid.empty() && machine.uid != "0") {
    return unexpected("UID in " + file, "0", ENOTSUP);
  }
  const auto leader = parse_integer<pid_t>(machine.leader);
  if (!leader || *leader < kLeastInit || *leader > kMostInit) {
    return unexpected("LEADER in " + file, "a process id");
  }
  const auto* runtime = machine.service == "systemd-nspawn" ? "nspawn" : "machined";
  return Record{.container = {.runtime = runtime, .id = machine.name, .name = machine.name},
                .init = *leader};
}

}  // namespace upcall::origin
