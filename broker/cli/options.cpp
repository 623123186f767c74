// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <getopt.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

#include "base/text.h"
#include "kernel/pidfd_tag.h"

namespace upcall::cli {
namespace {

constexpr int kUsageError = 2;

constexpr const char* kHelp = R"(Usage: upcallctl [OPTION]... COMMAND
Asks a running upcalld whose things are.

Commands:
  containers                 the containers that are known, as their runtimes record them
  whois PID                  whose a process is: its container, the verdict and why, namespaces,
                             and the privileges that a handler of it would have at most
  monitor                    uevents as they come: who says so, and the rule that decides
  tag PID                    what a process is marked with
  tag PID TEXT               mark it, for rules with 'when: {tag: ...}' (Linux 6.17)
  tag PID --remove
  import request-key.conf [FILE|-]
                             that file, or all that request-key reads, as a policy of upcalld's

Options:
  --json                     the answer as JSON
  --runtime-directory=DIR    that of upcalld (default /run/upcalld)
  --help, --version
)";

[[noreturn]] void refer_to_help() {
  (void)std::fputs("Try 'upcallctl --help'.\n", stderr);
  std::exit(kUsageError);  // NOLINT(concurrency-mt-unsafe): one thread
}

[[noreturn]] void usage_error(const std::string& message) {
  (void)std::fprintf(stderr, "upcallctl: %s\n", message.c_str());
  refer_to_help();
}

[[noreturn]] void print_and_exit(const char* text) {
  (void)std::fputs(text, stdout);
  std::exit(0);  // NOLINT(concurrency-mt-unsafe): one thread
}

pid_t parse_pid(std::string_view word) {
  const auto pid = parse_integer<pid_t>(word);
  if (!pid || *pid <= 0)
    usage_error("the number of a process is needed, not '" + printable(word) + "'");
  return *pid;
}

Command parse_command(std::string_view word) {
  if (word == "containers") return Command::containers;
  if (word == "whois") return Command::whois;
  if (word == "tag") return Command::tag;
  if (word == "monitor") return Command::monitor;
  if (word == "import") return Command::import;
  usage_error("'" + printable(word) + "' is no command");
}

// Takes the next word off; empty when there is none.
std::optional<std::string> take(std::span<char*>& words) {
  if (words.empty()) return {};
  std::string word = words.front();
  words = words.subspan(1);
  return word;
}

void take_process(Options& options, std::span<char*>& words) {
  const auto pid = take(words);
  if (!pid) usage_error("the number of a process is needed");
  options.pid = parse_pid(*pid);
  if (options.command != Command::tag || words.empty()) return;
  if (options.tag) usage_error("either a tag or --remove");
  options.tag = take(words);
  if (options.tag->empty() || options.tag->size() > kernel::kMaxTag) {
    usage_error("a tag has 1 to " + std::to_string(kernel::kMaxTag) + " bytes");
  }
}

void take_import(Options& options, std::span<char*>& words) {
  if (take(words) != "request-key.conf") usage_error("what can be imported is 'request-key.conf'");
  options.file = take(words);
}

void take_words(Options& options, std::span<char*> words) {
  const auto command = take(words);
  if (!command) usage_error("a command is needed");
  options.command = parse_command(*command);
  if (options.command == Command::import) {
    take_import(options, words);
  } else if (options.command == Command::whois || options.command == Command::tag) {
    take_process(options, words);
  }
  if (!words.empty()) usage_error("unexpected argument '" + printable(words.front()) + "'");
}

enum Name : int { json = 1, runtime, remove, help, version };

void apply(Options& options, int name, const char* value) {
  switch (name) {
    case json:
      options.json = true;
      return;
    case runtime:
      options.runtime_directory = value;
      return;
    case remove:
      options.tag.emplace();
      return;
    case help:
      print_and_exit(kHelp);
    case version:
      print_and_exit("upcallctl " UPCALL_RELEASE "\n");
    default:
      refer_to_help();  // getopt has said why
  }
}

}  // namespace

Options parse_options(int argc, char** argv) {
  static constexpr std::array kOptions = {
      option{"json", no_argument, nullptr, json},
      option{"runtime-directory", required_argument, nullptr, runtime},
      option{"remove", no_argument, nullptr, remove},
      option{"help", no_argument, nullptr, help},
      option{"version", no_argument, nullptr, version},
      option{},
  };
  Options options;
  int name = 0;
  while ((name = ::getopt_long(argc, argv, "", kOptions.data(), nullptr)) != -1) {
    apply(options, name, optarg);
  }
  const bool removes = options.tag.has_value();
  take_words(options, std::span{argv, static_cast<std::size_t>(argc)}.subspan(
                          static_cast<std::size_t>(optind)));
  if (removes && options.command != Command::tag) usage_error("--remove is for 'tag'");
  return options;
}

}  // namespace upcall::cli
