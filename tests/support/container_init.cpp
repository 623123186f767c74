// SPDX-License-Identifier: Apache-2.0
#include "container_init.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "container_protocol.h"
#include "descriptors.h"

namespace upcall::testing {
namespace {

struct Command {
  ExecRequest request;
  std::vector<char> bytes;  // what the pointers below point into
  const char* cwd{};
  std::vector<char*> argv;
  std::array<UniqueFd, 3> standard;
};

void take_descriptors(msghdr& message, Command& command) {
  for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    std::array<int, 3> descriptors{-1, -1, -1};
    std::memcpy(descriptors.data(), CMSG_DATA(header), sizeof descriptors);
    for (std::size_t i = 0; i < descriptors.size(); ++i)
      command.standard.at(i) = UniqueFd{descriptors.at(i)};
  }
}

// Its strings are NUL-terminated by encode() of container_exec.cpp; the test itself is the only
// sender.
void take_strings(Command& command, std::size_t size) {
  std::memcpy(&command.request, command.bytes.data(), sizeof command.request);
  char* next = command.bytes.data() + sizeof command.request;
  char* const end = command.bytes.data() + size;
  command.cwd = next;
  while ((next += std::strlen(next) + 1) < end) command.argv.push_back(next);
  command.argv.push_back(nullptr);
}

std::optional<Command> receive(int connection) {
  Command command;
  command.bytes.resize(kLongestRequest + 1);  // one more, so that it always ends in NUL
  alignas(cmsghdr) std::array<char, CMSG_SPACE(3 * sizeof(int))> control{};
  iovec data{.iov_base = command.bytes.data(), .iov_len = kLongestRequest};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto size = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
  if (size <= static_cast<ssize_t>(sizeof command.request)) return {};
  take_descriptors(message, command);
  take_strings(command, static_cast<std::size_t>(size));
  return command;
}

void send_reply(int connection, ExecReply reply) {
  // Whoever asked may have gone; the command's life does not depend on it.
  static_cast<void>(send(connection, &reply, sizeof reply, MSG_NOSIGNAL));
}

void take_identity(const ExecRequest& request) {
  if (request.core_limit != kKeepCoreLimit) {
    const rlimit limit{.rlim_cur = request.core_limit, .rlim_max = RLIM_INFINITY};
    must(setrlimit(RLIMIT_CORE, &limit) == 0, "limit core dumps");
  }
  if (request.uid == kKeepUser) return;
  must(setgroups(0, nullptr) == 0 && setresgid(request.uid, request.uid, request.uid) == 0 &&
           setresuid(request.uid, request.uid, request.uid) == 0,
       "become user " + std::to_string(request.uid));
}

[[noreturn]] void become(const Command& command, int connection) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int i = 0; i < 3; ++i) dup2(command.standard.at(static_cast<std::size_t>(i)).get(), i);
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  try {
    setsid();
    take_identity(command.request);
    must(chdir(command.cwd) == 0, std::string{"enter "} + command.cwd);
    send_reply(connection, {.type = ExecReplyType::started, .value = getpid()});
    execvp(command.argv.front(), command.argv.data());
    must(false, std::string{"execute "} + command.argv.front());
  } catch (const std::system_error& error) {
    dprintf(STDERR_FILENO, "container: %s\n", error.what());
  }
  _exit(127);
}

class Init {
 public:
  Init(int listener, int lifeline) : listener_{listener}, lifeline_{lifeline} {
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, nullptr);
    signals_ = UniqueFd{must_get(signalfd(-1, &children, SFD_CLOEXEC), "listen for children")};
  }

  void run() {
    for (;;) {
      std::array<pollfd, 3> waited{{{.fd = listener_, .events = POLLIN, .revents = 0},
                                    {.fd = lifeline_, .events = POLLIN, .revents = 0},
                                    {.fd = signals_.get(), .events = POLLIN, .revents = 0}}};
      if (poll(waited.data(), waited.size(), -1) < 0) continue;
      if (waited[1].revents != 0) return;  // nobody writes to it: this is the other end's close
      if (waited[2].revents != 0) reap();
      if (waited[0].revents != 0) start();
    }
  }

 private:
  void start() {
    UniqueFd connection{accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)};
    if (!connection) return;
    const auto command = receive(connection.get());
    if (!command || command->argv.size() < 2) return;
    const pid_t pid = fork();
    if (pid == 0) become(*command, connection.get());
    if (pid > 0) commands_[pid] = std::move(connection);
  }

  void reap() {
    signalfd_siginfo ignored{};
    [[maybe_unused]] const auto size = read(signals_.get(), &ignored, sizeof ignored);
    int status = 0;
    for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      const auto found = commands_.find(pid);
      if (found == commands_.end()) continue;  // an orphan that fell to us
      send_reply(found->second.get(), {.type = ExecReplyType::ended, .value = status});
      commands_.erase(found);
    }
  }

  int listener_;
  int lifeline_;
  UniqueFd signals_;
  std::map<pid_t, UniqueFd> commands_;
};

}  // namespace

int container_init(int argc, char** argv) {
  if (argc != 3 || getpid() != 1) {
    errno = EINVAL;
    must(false, "be the init of no container");
  }
  const auto listener = must_parse<int>(argv[1]);
  const auto lifeline = must_parse<int>(argv[2]);
  for (const int fd : {listener, lifeline})
    must(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0, "keep a descriptor");
  Init{listener, lifeline}.run();
  return 0;
}

}  // namespace upcall::testing
