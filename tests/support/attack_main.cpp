// SPDX-License-Identifier: Apache-2.0
// upcall-attacker: tries from inside a container what must not succeed, and tells what came of it
// as JSON.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string_view>

#include "attack_watch.h"
#include "attempts.h"
#include "descriptors.h"

namespace {

using namespace upcall::testing;

constexpr const char* kUsage =
    "usage: upcall-attacker watch [--lease=FILE [--wait]] [--parent=PID] [--search=TEXT] COMMAND "
    "[ARGUMENT...]\n"
    "       upcall-attacker at PID\n"
    "       upcall-attacker handler FILE [MAJOR:MINOR]   as a handler; tells in FILE\n";

int watch_as_told(int argc, char** argv) {
  WatchOptions options;
  int i = 0;
  for (; i < argc && std::string_view{argv[i]}.starts_with("--"); ++i) {
    std::string_view value{argv[i]};
    const auto name = upcall::take_until(value, '=');
    if (name == "--lease") options.lease = value;
    if (name == "--parent") options.parent = value;
    if (name == "--search") options.search = value;
    if (name == "--wait") options.wait_for_go = true;
  }
  options.crash.assign(argv + i, argv + argc);
  return watch(options);
}

int attack_at(pid_t pid) {
  printf("%s\n", attempts_on_process(pid).c_str());
  return 0;
}

int handle(const std::string& path, const std::string& device) {
  const std::string text = attempts_of_handler(device) + "\n";
  const upcall::UniqueFd file{open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  return write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1;
}

int run(int argc, char** argv) {
  const std::string_view verb = argc > 2 ? argv[1] : "";
  if (verb == "watch") return watch_as_told(argc - 2, argv + 2);
  if (verb == "at") return attack_at(must_parse<pid_t>(argv[2]));
  if (verb == "handler") return handle(argv[2], argc > 3 ? argv[3] : "");
  static_cast<void>(fputs(kUsage, stderr));
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    dprintf(STDERR_FILENO, "upcall-attacker: %s\n", error.what());
    return 125;
  }
}
