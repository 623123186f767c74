// SPDX-License-Identifier: Apache-2.0
#include "container_exec.h"

#include <fcntl.h>
#include <getopt.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <vector>

#include "container_protocol.h"
#include "descriptors.h"

namespace upcall::testing {
namespace {

struct Options {
  std::string control;
  std::string cwd{"/"};
  ExecRequest request;
  int report{-1};
  std::vector<std::string> command;
};

Options parse(int argc, char** argv) {
  static constexpr auto kLong =
      std::to_array<option>({{"control", required_argument, nullptr, 'c'},
                             {"uid", required_argument, nullptr, 'u'},
                             {"cwd", required_argument, nullptr, 'd'},
                             {"core-limit", required_argument, nullptr, 'l'},
                             {"report-fd", required_argument, nullptr, 'r'},
                             {nullptr, 0, nullptr, 0}});
  Options options;
  for (int c = 0; (c = getopt_long(argc, argv, "+", kLong.data(), nullptr)) != -1;) {
    switch (c) {
      case 'c':
        options.control = optarg;
        break;
      case 'u':
        options.request.uid = must_parse<std::uint32_t>(optarg);
        break;
      case 'd':
        options.cwd = optarg;
        break;
      case 'l':
        options.request.core_limit = must_parse<std::uint64_t>(optarg);
        break;
      case 'r':
        options.report = must_parse<int>(optarg);
        break;
      default:
        errno = EINVAL;
        must(false, "understand the options");
    }
  }
  options.command.assign(argv + optind, argv + argc);
  options.request.arguments = static_cast<std::uint32_t>(options.command.size());
  errno = EINVAL;
  must(!options.command.empty() && !options.control.empty(), "run no command or nowhere");
  return options;
}

UniqueFd connect_to(const std::string& path) {
  UniqueFd socket{must_get(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "make a socket")};
  const int on = 1;  // before the peer writes: replies carry the writer's pid from then on
  must(setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0,
       "ask for credentials");
  const auto address = address_of(path);
  must(connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
       "connect to " + path);
  return socket;
}

std::string encode(const Options& options) {
  std::string bytes(reinterpret_cast<const char*>(&options.request), sizeof options.request);
  bytes.append(options.cwd.c_str(), options.cwd.size() + 1);
  for (const auto& argument : options.command) bytes.append(argument.c_str(), argument.size() + 1);
  return bytes;
}

void send_request(int socket, const Options& options) {
  std::string bytes = encode(options);
  const std::array<int, 3> standard{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof standard)> control{};
  iovec data{.iov_base = bytes.data(), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof standard);
  std::memcpy(CMSG_DATA(header), standard.data(), sizeof standard);
  must(sendmsg(socket, &message, MSG_NOSIGNAL) >= 0, "ask the container's init");
}

struct Received {
  ExecReply reply;
  pid_t sender{};
};

Received receive(int socket) {
  Received received;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
  iovec data{.iov_base = &received.reply, .iov_len = sizeof received.reply};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto size = must_get(recvmsg(socket, &message, MSG_CMSG_CLOEXEC), "hear of the command");
  errno = EPIPE;
  must(size == sizeof received.reply, "hear of the command: the container has ended");
  for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS) continue;
    ucred credentials{};
    std::memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
    received.sender = credentials.pid;
  }
  return received;
}

void report_end(int report, int status) {
  if (report < 0) return;
  dprintf(report, "ended status=%d signal=%d core=%d\n",
          WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
          WIFSIGNALED(status) && WCOREDUMP(status) ? 1 : 0);
}

}  // namespace

int exec_in_container(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const UniqueFd socket = connect_to(options.control);
  send_request(socket.get(), options);
  for (;;) {
    const auto [reply, sender] = receive(socket.get());
    if (reply.type == ExecReplyType::started) {
      if (options.report >= 0)
        dprintf(options.report, "started pid=%d host_pid=%d\n", reply.value, sender);
      continue;
    }
    report_end(options.report, reply.value);
    return WIFSIGNALED(reply.value) ? 128 + WTERMSIG(reply.value) : WEXITSTATUS(reply.value);
  }
}

}  // namespace upcall::testing
