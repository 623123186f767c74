// SPDX-License-Identifier: Apache-2.0
// forward: tells the programs of its container of a uevent, as if their kernel had. Runs as root of
// the container, with no privileges but the container's own.
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

#include "base/unique_fd.h"
#include "forward/message.h"

namespace upcall::forward {
namespace {

constexpr int kDocument = 3;  // docs/handler-protocol.md
constexpr std::uint32_t kUdevGroup = 2;

Result<std::string> read_event() {
  std::string text;
  std::array<char, 8192> buffer{};
  for (;;) {
    const ssize_t size = ::read(kDocument, buffer.data(), buffer.size());
    if (size < 0) return from_errno("read the event");
    if (size == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

Result<UniqueFd> open_socket() {
  UniqueFd fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT)};
  if (!fd) return from_errno("open a netlink socket");
  return fd;
}

Result<Ok> send_to(int socket, std::uint32_t groups, std::string_view bytes) {
  sockaddr_nl to{};
  to.nl_family = AF_NETLINK;
  to.nl_groups = groups;
  const ssize_t sent = ::sendto(socket, bytes.data(), bytes.size(), 0,
                                reinterpret_cast<const sockaddr*>(&to), sizeof to);
  // Nobody listens.
  if (sent < 0 && errno == ECONNREFUSED) return Ok{};
  if (sent < 0) return from_errno("send the event");
  return Ok{};
}

// By way of the kernel, which tells all who listen in this network namespace, and says what became
// of it.
Result<Ok> inject(int socket, std::string_view text) {
  const nlmsghdr head{.nlmsg_len = static_cast<std::uint32_t>(NLMSG_HDRLEN + text.size()),
                      .nlmsg_type = NLMSG_MIN_TYPE,
                      .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK};
  std::string message(NLMSG_HDRLEN, '\0');
  std::memcpy(message.data(), &head, sizeof head);
  message += text;
  if (const auto sent = send_to(socket, 0, message); !sent) return sent;
  struct {
    nlmsghdr head;
    nlmsgerr error;
    std::array<char, 512> more;
  } reply{};
  if (::recv(socket, &reply, sizeof reply, 0) <
      static_cast<ssize_t>(NLMSG_LENGTH(sizeof reply.error)))
    return from_errno("hear the kernel");
  if (reply.head.nlmsg_type != NLMSG_ERROR || reply.error.error == 0) return Ok{};
  const int error = -reply.error.error;
  // Nobody listens, in the kernel's words.
  if (error == ESRCH) return Ok{};
  return from_errno(error == EPERM ? "tell this network namespace: the container's root has no "
                                     "CAP_SYS_ADMIN over it"
                                   : "tell this network namespace",
                    error);
}

Result<Ok> run() {
  const auto text = read_event();
  if (!text) return text.error();
  const auto event = read_document(*text);
  if (!event) return event.error();
  const auto message = kernel_message(*event);
  if (!message) return message.error();
  const auto socket = open_socket();
  if (!socket) return socket.error();
  if (auto told = inject(socket->get(), *message); !told) return told;
  const char* const udev = std::getenv("UPCALL_WITH_UDEV");  // NOLINT(concurrency-mt-unsafe)
  if (udev == nullptr || std::string_view{udev} != "true") return Ok{};
  return send_to(socket->get(), kUdevGroup, udev_message(*event));
}

}  // namespace
}  // namespace upcall::forward

int main() {
  const auto done = upcall::forward::run();
  if (done) return 0;
  (void)std::fprintf(stderr, "error: %s\n", describe(done.error()).c_str());
  return 1;
}
