// SPDX-License-Identifier: Apache-2.0
#include "attack_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>
#include <set>

#include "attempts.h"
#include "descriptors.h"
#include "json.h"
#include "look.h"

namespace upcall::testing {
namespace {

constexpr std::chrono::seconds kPatience{30};

pid_t start(const std::vector<std::string>& command) {
  std::vector<std::string> copy{command};
  std::vector<char*> argv;
  argv.reserve(copy.size() + 1);
  for (auto& word : copy) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t pid = must_get(fork(), "fork");
  if (pid != 0) return pid;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // A set-uid attacker has an ordinary process crash.
  if (setresgid(getgid(), getgid(), getgid()) == 0 && setresuid(getuid(), getuid(), getuid()) == 0)
    execv(argv.front(), argv.data());
  _exit(127);
}

// A field of /proc/PID/stat, counted from the state, which is number 3; the name before it may hold
// anything.
std::string field_of_stat(pid_t pid, int field) {
  const auto stat = read_text("/proc/" + std::to_string(pid) + "/stat");
  const auto name_end = stat.rfind(") ");
  if (name_end == std::string::npos) return {};
  std::string_view rest{stat};
  rest.remove_prefix(name_end + 2);
  for (int i = 3; i < field; ++i) static_cast<void>(take_until(rest, ' '));
  return std::string{take_until(rest, ' ')};
}

std::string name_of(pid_t pid) {
  auto name = read_text("/proc/" + std::to_string(pid) + "/comm");
  if (!name.empty()) name.pop_back();
  return name;
}

bool memory_holds(pid_t pid, const std::string& text) {
  const std::string directory = "/proc/" + std::to_string(pid);
  const UniqueFd memory{open((directory + "/mem").c_str(), O_RDONLY | O_CLOEXEC)};
  std::ifstream maps{directory + "/maps"};
  for (std::string line; std::getline(maps, line);) {
    std::string_view rest{line};
    const auto begin = parse_integer<std::uint64_t>(take_until(rest, '-'), 16).value_or(0);
    const auto end = parse_integer<std::uint64_t>(take_until(rest, ' '), 16).value_or(0);
    std::string content(end - begin, '\0');
    const auto size =
        pread(memory.get(), content.data(), content.size(), static_cast<off_t>(begin));
    if (size > 0 && content.find(text) != std::string::npos) return true;
  }
  return false;
}

class Watch {
 public:
  explicit Watch(const WatchOptions& options) : options_{options} {
    for (const pid_t pid : processes()) known_.insert(pid);
    sigset_t broken;
    sigemptyset(&broken);
    sigaddset(&broken, SIGIO);
    sigprocmask(SIG_BLOCK, &broken, nullptr);
    if (!options_.lease.empty()) take_lease();
  }

  bool run() {
    crashed_ = start(options_.crash);
    known_.insert(crashed_);
    if (lease_) {
      while_held();
    } else {
      while_it_runs();
    }
    if (crashed_ > 0) waitpid(crashed_, nullptr, 0);
    return caught_;
  }

 private:
  void take_lease() {
    lease_ = UniqueFd{
        must_get(open(options_.lease.c_str(), O_RDONLY | O_CLOEXEC), "open " + options_.lease)};
    must(fcntl(lease_.get(), F_SETLEASE, F_WRLCK) == 0, "take a lease on " + options_.lease);
  }

  // The signal says that somebody wants to open the file: he waits in his exec until we let go of
  // it.
  void while_held() {
    sigset_t broken;
    sigemptyset(&broken);
    sigaddset(&broken, SIGIO);
    const timespec patience{.tv_sec = kPatience.count(), .tv_nsec = 0};
    if (sigtimedwait(&broken, nullptr, &patience) == SIGIO) {
      const auto held = find();
      for (const pid_t pid : held) attempt(pid, "held");
      if (!held.empty() && options_.wait_for_go) wait_for_go();
    }
    fcntl(lease_.get(), F_SETLEASE, F_UNLCK);
  }

  static void wait_for_go() {
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    const std::chrono::milliseconds patience = kPatience;
    poll(&input, 1, static_cast<int>(patience.count()));
  }

  // Stops it whenever it is seen, and looks at it once before its exec and once after, if it is
  // caught before.
  void while_it_runs() {
    std::optional<pid_t> handler;
    while (!handler && !crash_is_over()) {
      if (const auto found = find(); !found.empty()) handler = found.front();
    }
    std::set<std::string> names;
    while (handler && kill(*handler, SIGSTOP) == 0 && wait_until_stopped(*handler)) {
      const auto name = name_of(*handler);
      if (names.insert(name).second) attempt(*handler, "running");
      kill(*handler, SIGCONT);
      if (name != options_.launcher) break;
    }
    if (!handler) return;
    wait_for_end(*handler);
    if (file_) print("ended", 0, JsonObject{});
  }

  // The process is kept until its first handler has ended.
  bool crash_is_over() {
    if (crashed_ > 0 && waitpid(crashed_, nullptr, WNOHANG) == crashed_) crashed_ = -1;
    return crashed_ < 0;
  }

  static void wait_for_end(pid_t pid) {
    const UniqueFd pidfd{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
    if (!pidfd) return;
    pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    const std::chrono::milliseconds patience = kPatience;
    poll(&ended, 1, static_cast<int>(patience.count()));
  }

  // Nothing when it has ended instead.
  static bool wait_until_stopped(pid_t pid) {
    for (;;) {
      const auto state = field_of_stat(pid, 3);
      if (state.empty() || state == "Z" || state == "X") return false;
      if (state == "T" || state == "t") return true;
    }
  }

  // Whoever is new and the launcher's child, whose number is 0 where it is not of this place. Stage
  // 1 is another one where we see the launcher.
  [[nodiscard]] std::vector<pid_t> find() const {
    std::vector<pid_t> found;
    for (const pid_t pid : processes()) {
      if (!known_.contains(pid) && field_of_stat(pid, 4) == options_.parent) found.push_back(pid);
    }
    return found;
  }

  void attempt(pid_t pid, const char* phase) {
    const std::string directory = "/proc/" + std::to_string(pid);
    JsonObject out;
    out.add("name", name_of(pid));
    out.add("exe", link_of(directory + "/exe"));
    out.add_json("status", status_of(directory));
    UniqueFd file{open((directory + "/exe").c_str(), O_RDONLY | O_CLOEXEC)};
    if (!options_.search.empty())
      out.add("secret", memory_holds(pid, options_.search) ? "SUCCESS" : "");
    out.add_json("attempts", attempts_on_process(pid));
    if (file) file_ = std::move(file);
    caught_ = true;
    print(phase, pid, std::move(out));
  }

  void print(const char* phase, pid_t pid, JsonObject out) const {
    const std::string path = file_ ? "/proc/self/fd/" + std::to_string(file_.get())
                                   : "/proc/" + std::to_string(pid) + "/exe";
    out.add("phase", phase);
    out.add("opened", file_ ? "exe" : "");
    out.add_json("executable", attempts_on_executable(path, file_.get()));
    printf("%s\n", out.text().c_str());
    static_cast<void>(fflush(stdout));
  }

  const WatchOptions& options_;
  std::set<pid_t> known_;
  UniqueFd lease_;
  UniqueFd file_;  // the handler's executable, should we have got hold of it
  pid_t crashed_{};
  bool caught_{};
};

}  // namespace

int watch(const WatchOptions& options) { return Watch{options}.run() ? 0 : 1; }

}  // namespace upcall::testing
