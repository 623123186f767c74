// SPDX-License-Identifier: Apache-2.0
#include "daemon/options.h"

#include <getopt.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>

#include "base/text.h"

namespace upcall::daemon {
namespace {

constexpr int kUsageError = 2;

constexpr const char* kHelp = R"(Usage: upcalld [OPTION]...
Brings the kernel's core dumps to the handlers that the policy names, inside the container that they came from.
Runs in the foreground until SIGTERM or SIGINT, and then puts back every setting that it changed.
A new policy is taken by a restart.

  --config=FILE              policy file; conf.d/*.yaml beside it are read after it
                             (default )" UPCALL_CONFIG R"()
  --runtime-directory=DIR    sockets (default /run/upcalld)
  --state-directory=DIR      what must survive a restart (default /var/lib/upcalld)
  --core-mode=MODE           how the kernel hands core dumps over: auto (default), socket or pipe
  --broker-user=NAME         whom the broker runs as: a user that exists (default
                             upcall-broker, or nobody where there is none)
  --uevent-buffer=BYTES      what the kernel may keep of uevents that have not been read
                             (default 134217728, for some 320 000)
  --once-ready-fd=N          write "READY" and a newline to descriptor N once crashes are served
  --check                    read the policy, say what is wrong with it, and exit
  --features                 say what this kernel offers and what upcalld does with it or
                             without, and exit
  --log-level=LEVEL          debug, info (default), warning or error
  --help, --version
)";

[[noreturn]] void refer_to_help() {
  (void)std::fputs("Try 'upcalld --help'.\n", stderr);
  std::exit(kUsageError);  // NOLINT(concurrency-mt-unsafe): one thread
}

[[noreturn]] void usage_error(const std::string& message) {
  (void)std::fprintf(stderr, "upcalld: %s\n", message.c_str());
  refer_to_help();
}

[[noreturn]] void print_and_exit(const char* text) {
  (void)std::fputs(text, stdout);
  std::exit(0);  // NOLINT(concurrency-mt-unsafe): one thread
}

template <class T>
T one_of(const char* option, const std::string& word, const std::map<std::string, T>& words) {
  if (const auto found = words.find(word); found != words.end()) return found->second;
  std::string known;
  for (const auto& [name, value] : words) known += (known.empty() ? "" : ", ") + name;
  usage_error(std::string{"--"} + option + " takes one of " + known + ", not '" + printable(word) +
              "'");
}

int parse_fd(const std::string& word) {
  const auto fd = parse_integer<int>(word);
  if (!fd || *fd < 0)
    usage_error("--once-ready-fd takes the number of a descriptor, not '" + printable(word) + "'");
  return *fd;
}

std::size_t parse_buffer(const std::string& word) {
  // The kernel doubles it, as an int.
  constexpr std::size_t kMost = std::size_t{1} << 30U;
  const auto bytes = parse_integer<std::size_t>(word);
  if (!bytes || *bytes == 0 || *bytes >= kMost)
    usage_error("--uevent-buffer takes a number of bytes below 1 GiB, not '" + printable(word) +
                "'");
  return *bytes;
}

enum Name : int {
  config = 1,
  runtime,
  state,
  mode,
  user,
  uevents,
  ready,
  check,
  features,
  level,
  help,
  version
};

void apply(Options& options, int name, const std::string& value) {
  switch (name) {
    case config:
      if (value.empty()) usage_error("--config needs the path of a policy");
      options.config = value;
      return;
    case runtime:
      options.runtime_directory = value;
      return;
    case state:
      options.state_directory = value;
      return;
    case user:
      options.broker_user = value;
      return;
    case uevents:
      options.uevent_buffer = parse_buffer(value);
      return;
    case ready:
      options.ready_fd = parse_fd(value);
      return;
    case check:
      options.check = true;
      return;
    case features:
      options.features = true;
      return;
    case mode:
      options.core_mode = one_of<CoreMode>(
          "core-mode", value,
          {{"auto", CoreMode::automatic}, {"socket", CoreMode::socket}, {"pipe", CoreMode::pipe}});
      return;
    case level:
      options.log_level = one_of<log::Level>("log-level", value,
                                             {{"debug", log::Level::debug},
                                              {"info", log::Level::info},
                                              {"warning", log::Level::warning},
                                              {"error", log::Level::error}});
      return;
    case help:
      print_and_exit(kHelp);
    case version:
      print_and_exit("upcalld " UPCALL_RELEASE "\n");
    default:
      refer_to_help();  // getopt has said why
  }
}

}  // namespace

Options parse_options(int argc, char** argv) {
  static constexpr std::array kOptions = {
      option{"config", required_argument, nullptr, config},
      option{"runtime-directory", required_argument, nullptr, runtime},
      option{"state-directory", required_argument, nullptr, state},
      option{"core-mode", required_argument, nullptr, mode},
      option{"broker-user", required_argument, nullptr, user},
      option{"uevent-buffer", required_argument, nullptr, uevents},
      option{"once-ready-fd", required_argument, nullptr, ready},
      option{"check", no_argument, nullptr, check},
      option{"features", no_argument, nullptr, features},
      option{"log-level", required_argument, nullptr, level},
      option{"help", no_argument, nullptr, help},
      option{"version", no_argument, nullptr, version},
      option{},
  };
  Options options;
  int name = 0;
  while ((name = ::getopt_long(argc, argv, "", kOptions.data(), nullptr)) != -1) {
    apply(options, name, optarg != nullptr ? optarg : "");
  }
  if (optind < argc) usage_error("unexpected argument '" + printable(argv[optind]) + "'");
  return options;
}

}  // namespace upcall::daemon
