// SPDX-License-Identifier: Apache-2.0
// upcallctl: whose is a process, which containers are known, the mark that root puts on one, and
// other programs' configuration as policy.
#include <array>
#include <cstdio>

#include "base/text.h"
#include "cli/ask.h"
#include "cli/import.h"
#include "cli/options.h"
#include "cli/show.h"
#include "kernel/pidfd.h"
#include "kernel/pidfd_tag.h"

namespace upcall::cli {
namespace {

Result<UniqueFd> open_process(pid_t pid) {
  auto pidfd = kernel::open_pidfd(pid);
  if (pidfd) return pidfd;
  return from_errno("find process " + std::to_string(pid), pidfd.error().code.value());
}

int fail(const std::string& why) {
  (void)std::fprintf(stderr, "upcallctl: %s\n", why.c_str());
  return 1;
}

std::string to_show(const Options& options, const std::string& answer, const Json& document) {
  if (options.json) return answer;
  return options.command == Command::containers ? show_containers(document) : show_whois(document);
}

int show(const Options& options, const std::string& answer) {
  const auto document = Json::parse(answer, nullptr, false);
  if (document.is_discarded()) return fail("upcalld's answer cannot be understood");
  if (document.contains("error")) return fail(printable(document["error"].get<std::string>()));
  (void)std::fputs(to_show(options, answer, document).c_str(), stdout);
  return 0;
}

int ask_broker(const Options& options) {
  const auto socket = options.runtime_directory + "/control.socket";
  if (options.command == Command::containers) {
    const auto answer = ask(socket, wire::ControlType::containers, {});
    return answer ? show(options, *answer) : fail(describe(answer.error()));
  }
  const auto pidfd = open_process(options.pid);
  if (!pidfd) return fail(describe(pidfd.error()));
  const std::array fds{pidfd->get()};
  const auto answer = ask(socket, wire::ControlType::whois, fds);
  return answer ? show(options, *answer) : fail(describe(answer.error()));
}

int monitor(const Options& options) {
  const auto take = [&options](const std::string& text) {
    const auto document = Json::parse(text, nullptr, false);
    if (document.is_discarded()) return true;
    if (document.contains("error")) {
      (void)fail(printable(document["error"].get<std::string>()));
      return false;
    }
    (void)std::fputs(options.json ? text.c_str() : show_uevent(document).c_str(), stdout);
    return std::fflush(stdout) == 0;
  };
  const auto followed =
      follow(options.runtime_directory + "/control.socket", wire::ControlType::monitor, take);
  return followed ? 1 : fail(describe(followed.error()));
}

int tag(const Options& options) {
  const auto pidfd = open_process(options.pid);
  if (!pidfd) return fail(describe(pidfd.error()));
  if (options.tag) {
    const auto written = kernel::write_tag(pidfd->get(), *options.tag);
    return written ? 0 : fail(describe(written.error()) + " (it takes root, and Linux 6.17)");
  }
  const auto text = kernel::read_tag(pidfd->get());
  if (options.json) {
    (void)std::printf("%s\n", Json{{"tag", text}}.dump().c_str());
  } else if (text.empty()) {
    (void)std::fprintf(stderr, "upcallctl: process %d has no tag\n", options.pid);
  } else {
    (void)std::printf("%s\n", printable(text).c_str());
  }
  return 0;
}

int run(const Options& options) {
  switch (options.command) {
    case Command::tag:
      return tag(options);
    case Command::monitor:
      return monitor(options);
    case Command::import:
      return import_request_key_conf(options.file);
    default:
      return ask_broker(options);
  }
}

}  // namespace
}  // namespace upcall::cli

int main(int argc, char** argv) {
  try {
    return upcall::cli::run(upcall::cli::parse_options(argc, argv));
  } catch (const std::exception& failure) {
    return upcall::cli::fail(failure.what());
  }
}
