// SPDX-License-Identifier: Apache-2.0
#include "dispatch/report.h"

#include <csignal>
#include <cstring>

#include "base/limits.h"
#include "base/text.h"
#include "event/signal_name.h"
#include "wire/confine_step.h"

namespace upcall::dispatch {
namespace {

const char* name_of(policy::ActionKind kind) {
  switch (kind) {
    case policy::ActionKind::pass:
      return "pass";
    case policy::ActionKind::reject:
      return "reject";
    case policy::ActionKind::run:
      return "run";
    case policy::ActionKind::load:
      return "load";
  }
  return "reject";
}

const char* name_of(wire::RunEnd how) {
  switch (how) {
    case wire::RunEnd::exited:
      return "exited";
    case wire::RunEnd::signalled:
      return "signalled";
    case wire::RunEnd::timed_out:
      return "timed-out";
    case wire::RunEnd::killed:
      return "killed";
    case wire::RunEnd::not_started:
      return "not-started";
    case wire::RunEnd::refused:
      return "refused";
  }
  return "unknown";
}

// Why an origin is mixed: the rules of disclosure that failed, by their numbers in
// docs/THREAT-MODEL.md.
std::string failed_rules(std::uint32_t bits) {
  constexpr std::uint32_t kRules = 9;
  std::string names;
  for (std::uint32_t i = 0; i < kRules; ++i) {
    if ((bits & (1U << i)) == 0) continue;
    names += (names.empty() ? "D" : ",D") + std::to_string(i + 1);
  }
  return names;
}

std::string quoted(const std::string& text) {
  return '"' + printable(text, limits::kOutputLineBytes) + '"';
}

std::string facts_of(const event::CoreDump& dump) {
  std::string facts = " signal=" + (dump.signal ? event::signal_name(*dump.signal) : "unknown");
  if (dump.dumpable != event::Dumpable::user) facts += " dumpable=root";
  return facts;
}

// Not the callout, which may be a secret.
std::string facts_of(const event::KeyRequest& key) {
  return " key=" + std::to_string(key.key) + " type=" + quoted(key.type) +
         " description=" + quoted(key.description) + " destination=" + quoted(key.destination) +
         " origin=" + (key.by_kernel ? "kernel" : "user");
}

template <class Request>
std::string asker_of(const Request& request) {
  return std::string{" origin="} + event::name_of(request.asker) +
         " waits=" + (request.waits ? "yes" : "no");
}

std::string facts_of(const event::ModuleRequest& request) {
  std::string facts = " alias=" + quoted(request.alias);
  for (const auto& module : request.modules) facts += " module=" + quoted(module);
  return facts + asker_of(request);
}

std::string facts_of(const event::HelperRequest& request) {
  std::string facts;
  if (!request.path.empty()) facts += " path=" + quoted(request.path);
  for (const auto& argument : request.arguments) facts += " argument=" + quoted(argument);
  if (request.release_agent) facts += " release_agent=yes";
  return facts + asker_of(request);
}

}  // namespace

std::string decided_line(const event::Event& event, const policy::Decision& decision) {
  const auto& origin = event.origin;
  std::string line = "event=" + std::to_string(static_cast<std::uint64_t>(event.id));
  line += std::string{" kind="} + event::kind_of(event);
  line += " pid=" + std::to_string(origin.pid) + " tid=" + std::to_string(origin.tid);
  line += " uid=" + std::to_string(origin.uid) + " comm=" + quoted(origin.comm) +
          " exe=" + quoted(origin.exe);
  line += std::visit([](const auto& detail) { return facts_of(detail); }, event.detail);
  line += std::string{" verdict="} + event::name_of(origin.verdict);
  if (origin.failed_rules != 0) line += " failed=" + failed_rules(origin.failed_rules);
  if (!decision.container.empty()) line += " container=" + decision.container;
  if (origin.container) {
    line += " runtime=" + origin.container->runtime + " id=" + quoted(origin.container->id);
    if (!origin.container->name.empty()) line += " name=" + quoted(origin.container->name);
  }
  if (!origin.tag.empty()) line += " tag=" + quoted(origin.tag);
  if (origin.inner_pid) line += " inner_pid=" + std::to_string(*origin.inner_pid);
  return line + " rule=" + quoted(decision.rule) + " action=" + name_of(decision.action.kind);
}

std::vector<std::string> output_lines(event::EventId id, const std::string& handler,
                                      const LineCollector& output) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i + 1 < output.lines().size(); ++i) {
    lines.push_back("event=" + std::to_string(static_cast<std::uint64_t>(id)) +
                    " output_of=" + handler + " line=" + quoted(output.lines()[i]));
  }
  return lines;
}

std::string run_line(event::EventId id, const policy::Handler& handler, pid_t pid,
                     const wire::RunEnded& ended, const LineCollector& output) {
  std::string line =
      "event=" + std::to_string(static_cast<std::uint64_t>(id)) + " handler=" + handler.name;
  if (pid != 0) line += " pid=" + std::to_string(pid);
  line += std::string{" end="} + name_of(ended.how) + " status=" + std::to_string(ended.status);
  if (ended.how == wire::RunEnd::not_started) {
    line += std::string{" step="} + wire::name_of(static_cast<wire::ConfineStep>(ended.step)) +
            " program=" + quoted(handler.program) + " cause=" + quoted(std::strerror(ended.status));
  }
  if (ended.how == wire::RunEnd::signalled && ended.status == SIGSYS)
    line += " cause=" + quoted("a seccomp filter forbids a system call");
  if (ended.how == wire::RunEnd::refused) line += " failed=" + failed_rules(ended.step);
  line += " start_us=" + std::to_string(ended.start_time) +
          " total_us=" + std::to_string(ended.total_time);
  if (!output.lines().empty()) line += " output=" + quoted(output.lines().back());
  if (output.dropped_bytes() != 0)
    line += " output_dropped=" + std::to_string(output.dropped_bytes());
  return line;
}

std::string outcome_line(event::EventId id, const char* outcome,
                         std::chrono::steady_clock::duration took) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  return "event=" + std::to_string(static_cast<std::uint64_t>(id)) + " outcome=" + outcome +
         " total_us=" + std::to_string(micros);
}

}  // namespace upcall::dispatch
