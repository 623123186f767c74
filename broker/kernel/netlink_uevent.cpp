// SPDX-License-Identifier: Apache-2.0
#include "kernel/netlink_uevent.h"

#include <linux/filter.h>
#include <linux/sock_diag.h>

#include <cstring>
#include <limits>

namespace upcall::kernel {
namespace {

// The one group that the kernel itself sends to; udev's daemon repeats in the second.
constexpr std::uint32_t kKernelGroup = 1;

Result<Ok> set_option(int socket, int level, int name, int value, const char* doing) {
  if (::setsockopt(socket, level, name, &value, sizeof value) != 0) return from_errno(doing);
  return Ok{};
}

// Drops "add@/devices/virtual/net/NAME/queues/..." and "remove@..." in the kernel. Classic BPF: any
// process may attach it, and it is no more than comparisons.
class QueueFilter {
 public:
  QueueFilter() {
    constexpr std::uint32_t kShortest = 64;  // any load beyond the end would drop the message
    constexpr std::uint32_t kAdd = 4;        // where the path begins, after "add@"
    constexpr std::uint32_t kRemove = 7;
    add(BPF_LD | BPF_W | BPF_LEN, 0);
    add(BPF_JMP | BPF_JGE | BPF_K, kShortest, 1, 0);
    let_pass();
    add(BPF_LDX | BPF_IMM, kAdd);
    add(BPF_LD | BPF_W | BPF_ABS, 0);
    add(BPF_JMP | BPF_JEQ | BPF_K, word("add@"), 4, 0);
    add(BPF_LDX | BPF_IMM, kRemove);
    add(BPF_LD | BPF_W | BPF_ABS, kRemove - 4);
    add(BPF_JMP | BPF_JEQ | BPF_K, word("ove@"), 1, 0);
    let_pass();
    for (const char* part : {"/dev", "ices", "/vir", "tual", "/net"}) expect_word(part);
    skip_name();
    expect_word("/que");
    expect_word("ues/");
    add(BPF_RET | BPF_K, 0);
  }
  [[nodiscard]] Result<Ok> attach(int socket) {
    const sock_fprog program{.len = static_cast<unsigned short>(code_.size()),
                             .filter = code_.data()};
    if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
      return from_errno("filter uevents");
    }
    return Ok{};
  }

 private:
  static std::uint32_t word(const char* text) {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8U | static_cast<unsigned char>(text[i]);
    return value;
  }
  void add(unsigned code, std::uint32_t k, unsigned char yes = 0, unsigned char no = 0) {
    code_.push_back({.code = static_cast<std::uint16_t>(code), .jt = yes, .jf = no, .k = k});
  }
  void let_pass() { add(BPF_RET | BPF_K, std::numeric_limits<std::uint32_t>::max()); }
  // X is where we are in the message.
  void advance(std::uint32_t bytes) {
    add(BPF_MISC | BPF_TXA, 0);
    // NOLINTNEXTLINE(misc-redundant-expression): both happen to be 0
    add(BPF_ALU | BPF_ADD | BPF_K, bytes);
    add(BPF_MISC | BPF_TAX, 0);
  }
  void expect_word(const char* text) {
    add(BPF_LD | BPF_W | BPF_IND, 0);
    add(BPF_JMP | BPF_JEQ | BPF_K, word(text), 1, 0);
    let_pass();
    advance(4);
  }
  // A '/', and a name up to the next, where X stays: there are no loops in this language.
  void skip_name() {
    constexpr int kLongestName = 15;
    constexpr unsigned char kStep = 5;
    add(BPF_LD | BPF_B | BPF_IND, 0);
    add(BPF_JMP | BPF_JEQ | BPF_K, '/', 1, 0);
    let_pass();
    advance(1);
    for (int i = 0; i < kLongestName; ++i) {
      const auto to_the_end = static_cast<unsigned char>(((kLongestName - 1 - i) * kStep) + 3);
      add(BPF_LD | BPF_B | BPF_IND, 0);
      add(BPF_JMP | BPF_JEQ | BPF_K, '/', to_the_end, 0);
      advance(1);
    }
  }

  std::vector<sock_filter> code_;
};

template <class T>
T value_of(const cmsghdr& control) {
  T value{};
  std::memcpy(&value, CMSG_DATA(&control), sizeof value);
  return value;
}

UeventSender sender_of(msghdr& message) {
  const auto& address = *static_cast<const sockaddr_nl*>(message.msg_name);
  UeventSender sender{.port = address.nl_pid, .groups = address.nl_groups, .pid = -1};
  for (auto* control = CMSG_FIRSTHDR(&message); control != nullptr;
       control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_CREDENTIALS) {
      sender.pid = value_of<ucred>(*control).pid;
    } else if (control->cmsg_level == SOL_NETLINK &&
               control->cmsg_type == NETLINK_LISTEN_ALL_NSID) {
      sender.network = value_of<std::uint32_t>(*control);
    }
  }
  return sender;
}

}  // namespace

Result<UniqueFd> open_uevent_socket(std::size_t buffer_bytes) {
  UniqueFd socket{
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT)};
  if (!socket) return from_errno("make a socket for uevents");
  const sockaddr_nl address{.nl_family = AF_NETLINK};
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return from_errno("bind a socket for uevents");
  }
  if (auto set = set_up_uevent_socket(socket.get(), buffer_bytes); !set) return set.error();
  return socket;
}

Result<Ok> set_up_uevent_socket(int socket, std::size_t buffer_bytes) {
  int protocol = -1;
  socklen_t size = sizeof protocol;
  int domain = -1;
  if (::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_NETLINK ||
      ::getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0 ||
      protocol != NETLINK_KOBJECT_UEVENT) {
    return from_errno("take a socket for uevents", EPROTOTYPE);
  }
  const auto bytes = static_cast<int>(buffer_bytes);
  if (auto set = set_option(socket, SOL_SOCKET, SO_RCVBUFFORCE, bytes, "enlarge a buffer"); !set) {
    return set;
  }
  return set_option(socket, SOL_SOCKET, SO_PASSCRED, 1, "ask for the senders of uevents");
}

Result<Ok> join_uevents(int socket, DeviceQueues queues) {
  if (queues == DeviceQueues::unheard) {
    // First the filter: the queue may fill up from the moment of joining.
    if (auto attached = QueueFilter{}.attach(socket); !attached) return attached;
  }
  return set_option(socket, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, kKernelGroup,
                    "join the kernel's uevents");
}

Result<Ok> leave_uevents(int socket) {
  return set_option(socket, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, kKernelGroup,
                    "leave the kernel's uevents");
}

Result<std::uint32_t> query_dropped_uevents(int socket) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, SOL_SOCKET, SO_MEMINFO, info.data(), &size) != 0) {
    return from_errno("ask how many uevents were dropped");
  }
  return info[SK_MEMINFO_DROPS];
}

// A sender's uid says nothing: the kernel's own events carry that of the root of the user namespace
// that owns the network namespace. Port 0 alone says nothing either: injection has it too.
UeventOrigin origin_of(const UeventSender& sender) {
  if (sender.port != 0 || sender.groups != kKernelGroup) return UeventOrigin::user;
  return sender.pid == 0 ? UeventOrigin::kernel : UeventOrigin::injected;
}

UeventReader::UeventReader() : slots_(kBatch) {
  for (std::size_t i = 0; i < kBatch; ++i) {
    auto& slot = slots_[i];
    slot.part = {.iov_base = slot.text.data(), .iov_len = slot.text.size()};
    messages_[i].msg_hdr = {.msg_name = &slot.address, .msg_iov = &slot.part, .msg_iovlen = 1};
  }
}

Result<std::span<const UeventDatagram>> UeventReader::read(int socket) {
  for (std::size_t i = 0; i < kBatch; ++i) {  // the kernel has written the lengths over
    auto& header = messages_[i].msg_hdr;
    header.msg_namelen = sizeof(sockaddr_nl);
    header.msg_control = slots_[i].control.data();
    header.msg_controllen = slots_[i].control.size();
  }
  int count = 0;
  do {
    count = ::recvmmsg(socket, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return from_errno("read uevents");
  std::size_t taken = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    auto& message = messages_[i];
    if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;
    datagrams_[taken++] = {.text = {slots_[i].text.data(), message.msg_len},
                           .sender = sender_of(message.msg_hdr)};
  }
  return std::span<const UeventDatagram>{datagrams_}.first(taken);
}

}  // namespace upcall::kernel
