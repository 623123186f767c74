// SPDX-License-Identifier: Apache-2.0
#include "pass/core_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <vector>

#include "base/text.h"

namespace upcall::pass {
namespace {

constexpr int kPidfdNumber = 3;  // COREDUMP_PIDFD_NUMBER
constexpr std::size_t kPipeSize = std::size_t{1} << 20;

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return from_errno("make a pipe");
  return Pipe{.read_end = UniqueFd{ends[0]}, .write_end = UniqueFd{ends[1]}};
}

// What the program inherits from this process; ids and root folder are the launcher's choice.
Result<Ok> arrange_as_kernel() {
  const rlimit no_recursion{.rlim_cur = 1, .rlim_max = 1};
  ::umask(0022);
  if (::setrlimit(RLIMIT_CORE, &no_recursion) != 0)
    return from_errno("limit core dumps of the program");
  if (::chdir("/") != 0) return from_errno("enter '/'");
  return Ok{};
}

// The steps, in order, by which the program gets its descriptors.
class SpawnActions {
 public:
  SpawnActions(int core, int pidfd) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_adddup2(&actions_, core, 0);
    if (pidfd >= 0) ::posix_spawn_file_actions_adddup2(&actions_, pidfd, kPidfdNumber);
    ::posix_spawn_file_actions_addclose(&actions_, 1);
    ::posix_spawn_file_actions_addclose(&actions_, 2);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_,
                                               pidfd < 0 ? kPidfdNumber : kPidfdNumber + 1);
  }
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  SpawnActions(SpawnActions&&) = delete;
  SpawnActions& operator=(SpawnActions&&) = delete;

  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

Result<pid_t> start_program(std::vector<std::string>& arguments, int core, int pidfd) {
  if (auto arranged = arrange_as_kernel(); !arranged) return arranged.error();
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  std::array<char*, 1> no_environment{};
  const SpawnActions actions{core, pidfd};
  pid_t child = -1;
  const int error = ::posix_spawn(&child, pointers.front(), actions.get(), nullptr, pointers.data(),
                                  no_environment.data());
  if (error != 0) {
    return from_errno("execute '" + printable(arguments.front()) + "' of the previous core_pattern",
                      error);
  }
  return child;
}

// Until the stream ends or the program will have no more of it, which is its right.
Result<Ok> feed(int stream, int program) {
  for (;;) {
    const ssize_t moved = ::splice(stream, nullptr, program, nullptr, kPipeSize, SPLICE_F_MOVE);
    if (moved == 0 || (moved < 0 && errno == EPIPE)) return Ok{};
    if (moved < 0 && errno != EINTR) return from_errno("feed the core to the program");
  }
}

Result<int> wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return from_errno("wait for the program");
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Result<int> run_core_program(const Request& request, UniqueFd stream) {
  auto arguments = kernel::expand_core_program(request.pattern, request.facts);
  if (arguments.empty()) return from_errno("find a program in core_pattern '|'", EINVAL);
  const bool with_pidfd = kernel::wants_pidfd(request.pattern);
  if (with_pidfd && request.pidfd < 0)
    return from_errno("give the program its pidfd: UPCALL_PIDFD is missing", EINVAL);
  auto core = make_pipe();
  if (!core) return core.error();
  ::fcntl(core->write_end.get(), F_SETPIPE_SZ, kPipeSize);
  const auto child =
      start_program(arguments, core->read_end.get(), with_pidfd ? request.pidfd : -1);
  if (!child) return child.error();
  core->read_end.reset();
  (void)std::signal(SIGPIPE, SIG_IGN);  // after the start: the program has the default
  const auto fed = feed(stream.get(), core->write_end.get());
  core->write_end.reset();
  if (!request.kernel_waits) stream.reset();
  auto status = wait_for(*child);
  if (!fed) return fed.error();
  return status;
}

}  // namespace upcall::pass
