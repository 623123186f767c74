// SPDX-License-Identifier: Apache-2.0
#include "daemon/compiled_policy.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/memfd.h"
#include "base/text.h"
#include "policy/decide.h"
#include "settings/load.h"
#include "wire/handler_table.h"
#include "wire/seqpacket.h"

namespace upcall::daemon {
namespace {

// A program in core_pattern has no limit of time in the kernel; this one only keeps a dead one from
// being kept for ever. Our own writer of files needs less, and may be in a cgroup that a user
// froze.
constexpr std::chrono::hours kPassTimeout{1};
constexpr std::chrono::minutes kFileTimeout{10};

// What the child says beside the tables.
struct Summary {
  dispatch::PassRows pass;
  policy::OnTakeover core_pattern_taken{};
  bool rules_on_networks{};
  bool rules_on_modules{};
  bool needs_module_names{};
  bool modprobe_absent_denies{};
  bool rules_on_helpers{};
  bool helper_absent_denies{};
  std::array<std::array<char, settings::kMaxReleaseAgent + 1>, settings::kMaxReleaseAgents>
      release_agents{};  // NUL-terminated; the first empty one is the end
  bool uses_pass{};
};

std::vector<std::string> release_agents_of(const Summary& summary) {
  std::vector<std::string> mount_points;
  for (const auto& one : summary.release_agents) {
    if (one.front() != '\0') mount_points.emplace_back(one.data());
  }
  return mount_points;
}

wire::HandlerRow pass_row(const kernel::CoreSettings& previous, wire::Place place) {
  return {.name = "pass",
          .program = wire::Program::vault,
          .path = "pass",
          .arguments = {"pass"},
          .environment = {"UPCALL_WITH_PATTERN=" + previous.pattern,
                          std::string{"UPCALL_WITH_USES_PID="} + (previous.uses_pid ? "1" : "0"),
                          "UPCALL_WITH_PIPE_LIMIT=" + std::to_string(previous.pipe_limit)},
          .place = place,
          .user = wire::User::root,
          .timeout = place == wire::Place::origin ? std::chrono::milliseconds{kFileTimeout}
                                                  : std::chrono::milliseconds{kPassTimeout}};
}

std::uint32_t add_row(settings::Settings& settings, wire::HandlerRow row) {
  const auto number = static_cast<std::uint32_t>(settings.handlers.size());
  settings.policy.handlers.push_back(
      {.name = row.name, .place = policy::Place::host, .program = row.path});
  settings.handlers.push_back(std::move(row));
  return number;
}

dispatch::PassRows add_pass_rows(settings::Settings& settings,
                                 const kernel::CoreSettings& previous) {
  const bool program =
      kernel::core_pattern_kind(previous.pattern) == kernel::CorePatternKind::program;
  dispatch::PassRows rows;
  rows.previous = program ? dispatch::PreviousPattern::program : dispatch::PreviousPattern::file;
  rows.program = add_row(settings, pass_row(previous, wire::Place::host));
  rows.file = add_row(settings, pass_row(previous, wire::Place::origin));
  rows.file_as_root = rows.program;
  return rows;
}

bool uses_pass(const policy::Policy& policy) {
  const auto passes = [](const policy::Action& action) {
    return action.kind == policy::ActionKind::pass;
  };
  return passes(policy.coredump_default) ||
         std::ranges::any_of(policy.rules, passes, &policy::Rule::action);
}

Result<Ok> send_tables(int socket, settings::Settings settings,
                       const kernel::CoreSettings& previous) {
  Summary summary{.pass = add_pass_rows(settings, previous),
                  .core_pattern_taken = settings.policy.core_pattern_taken,
                  .rules_on_networks =
                      policy::want(settings.policy.uevent_rules, policy::Devices::of_containers),
                  .rules_on_modules = policy::rules_on_modules(settings.policy),
                  .needs_module_names = policy::needs_module_names(settings.policy),
                  .modprobe_absent_denies = settings.policy.modprobe_absent_denies,
                  .rules_on_helpers =
                      policy::rules_on_helpers(settings.policy) || !settings.release_agents.empty(),
                  .helper_absent_denies = settings.policy.helper_absent_denies,
                  .uses_pass = uses_pass(settings.policy)};
  for (std::size_t i = 0; i < settings.release_agents.size(); ++i)
    settings.release_agents[i].copy(summary.release_agents.at(i).data(),
                                    settings::kMaxReleaseAgent);
  const auto policy = make_sealed_memfd("policy", policy::pack_policy(settings.policy));
  if (!policy) return policy.error();
  const auto handlers = make_sealed_memfd("handlers", wire::pack_handlers(settings.handlers));
  if (!handlers) return handlers.error();
  const auto directories = make_sealed_memfd(
      "state-directories", wire::pack_state_directories(settings.state_directories));
  if (!directories) return directories.error();
  return wire::send_message(socket, wire::bytes_of(summary),
                            std::array{policy->get(), handlers->get(), directories->get()});
}

// The child: its exit status only says whether the tables were sent.
int load_and_send(int socket, const std::string& file, const kernel::CoreSettings& previous) {
  auto loaded = settings::load(file);
  if (const auto* mistakes = std::get_if<std::vector<settings::Diagnostic>>(&loaded)) {
    for (const auto& mistake : *mistakes)
      (void)std::fputs(settings::render(mistake).c_str(), stderr);
    return 1;
  }
  const auto sent = send_tables(socket, std::get<settings::Settings>(std::move(loaded)), previous);
  if (sent) return 0;
  (void)std::fprintf(stderr, "upcalld: %s\n", describe(sent.error()).c_str());
  return 1;
}

}  // namespace

Result<std::optional<CompiledPolicy>> compile_policy(const std::string& file,
                                                     const kernel::CoreSettings& previous) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return from_errno("make a socket pair for the policy's reader");
  }
  const UniqueFd ours{ends[0]};
  UniqueFd theirs{ends[1]};
  const pid_t child = ::fork();
  if (child < 0) return from_errno("start the policy's reader");
  if (child == 0) ::_exit(load_and_send(theirs.get(), file, previous));
  theirs.reset();
  Summary summary;
  auto received = wire::receive_message(ours.get(), std::as_writable_bytes(std::span{&summary, 1}));
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return from_errno("wait for the policy's reader");
  if (!received) return received.error();
  if (received->size != sizeof summary || received->fd_count != 3)
    return std::optional<CompiledPolicy>{};
  return std::optional{CompiledPolicy{.policy = std::move(received->fds[0]),
                                      .handlers = std::move(received->fds[1]),
                                      .state_directories = std::move(received->fds[2]),
                                      .pass = summary.pass,
                                      .core_pattern_taken = summary.core_pattern_taken,
                                      .rules_on_networks = summary.rules_on_networks,
                                      .rules_on_modules = summary.rules_on_modules,
                                      .needs_module_names = summary.needs_module_names,
                                      .modprobe_absent_denies = summary.modprobe_absent_denies,
                                      .rules_on_helpers = summary.rules_on_helpers,
                                      .helper_absent_denies = summary.helper_absent_denies,
                                      .release_agents = release_agents_of(summary),
                                      .uses_pass = summary.uses_pass}};
}

std::string why_not_passed(const CompiledPolicy& compiled, const kernel::CoreSettings& previous) {
  const auto kind = kernel::core_pattern_kind(previous.pattern);
  const bool socket = kind == kernel::CorePatternKind::request_socket ||
                      kind == kernel::CorePatternKind::stream_socket;
  if (!compiled.uses_pass || !socket) return {};
  return "kernel.core_pattern is '" + printable(previous.pattern) +
         "', the socket of another program, and the policy passes core dumps on to it, which "
         "nobody but the kernel can do. Stop that program first, or set 'defaults: {coredump: "
         "reject}' or a handler";
}

}  // namespace upcall::daemon
