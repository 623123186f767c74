// SPDX-License-Identifier: Apache-2.0
// What happened, and whose it is: plain values that travel one way, from the sources to the log.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "event/container.h"

namespace upcall::event {

// Unique while this broker lives.
enum class EventId : std::uint64_t {};

// The eight kinds of namespace, in the order of every array of ids.
enum class Namespace : std::uint8_t { cgroup, ipc, uts, net, pid, time, mnt, user };
inline constexpr std::size_t kNamespaces = 8;
inline constexpr std::array<const char*, kNamespaces> kNamespaceNames = {
    "cgroup", "ipc", "uts", "net", "pid", "time", "mnt", "user"};
using NamespaceIds = std::array<std::uint64_t, kNamespaces>;

// Where the host's policy holds (host, mixed) and where the container's does. docs/THREAT-MODEL.md.
enum class Verdict : std::uint8_t { host, mixed, in_container };
[[nodiscard]] const char* name_of(Verdict verdict);

// A process and the container it is in. Ids are those of the initial namespaces unless said
// otherwise; an empty optional is what this kernel did not tell.
struct Origin {
  pid_t pid{};
  pid_t tid{};       // the thread that caused the event: its namespaces count, not its leader's
  uid_t uid{};       // real
  gid_t gid{};       // real
  std::string comm;  // of the thread, at most 15 bytes of anything but NUL
  std::string exe;   // as the process sees it; empty when it has none (a kernel thread)
  std::string host_name;  // of its UTS namespace
  std::string tag;        // what root marked it with (kernel/pidfd_tag.h); empty without one
  std::string cgroup;     // path in the unified hierarchy, from its root; empty without one
  Verdict verdict{Verdict::host};
  std::uint32_t failed_rules{};  // bits of wire::DisclosureRule that made it mixed
  NamespaceIds namespaces{};
  NamespaceIds container_namespaces{};  // of the container's init; zeroes without one
  NamespaceIds host_namespaces{};
  std::uint32_t user_namespace_depth{};  // below the host's
  std::optional<Container> container;    // on record; only of what is in_container
  bool is_init{};                        // of its container, which ends when it does
  // As the container's init sees them; empty where they cannot be translated.
  std::optional<pid_t> inner_pid;
  std::optional<pid_t> inner_tid;
  std::optional<uid_t> inner_uid;
  std::optional<gid_t> inner_gid;
};

// Whether it is in the PID namespace of a container, or where that is the host's in its cgroup, be
// it wholly in that container or not.
[[nodiscard]] inline bool belongs_to_container(const Origin& origin) {
  return origin.container_namespaces[static_cast<std::size_t>(Namespace::pid)] != 0;
}

// How much of the process the kernel lets whom see: prctl(PR_SET_DUMPABLE), fs.suid_dumpable.
enum class Dumpable : std::uint8_t { nobody = 0, user = 1, root = 2 };

// A process that the kernel is dumping (core(5)).
struct CoreDump {
  std::optional<int>
      signal;  // known before the dump is read only where the kernel tells (Linux 6.19)
  std::optional<int> code;               // si_code
  std::optional<std::uint64_t> address;  // si_addr of SEGV, BUS, ILL, FPE, TRAP
  Dumpable dumpable{Dumpable::root};     // root, the safe one, where the kernel does not tell
  std::uint64_t core_limit{};            // RLIMIT_CORE in bytes; UINT64_MAX for unlimited
};

// A key that is under construction until somebody answers (request_key(2)). All texts are bytes of
// the requester's choice.
struct KeyRequest {
  std::int32_t key{};  // its serial
  std::string type;
  std::string description;
  std::string callout;      // may hold anything, NUL included
  std::string destination;  // description of the keyring that the key goes to
  bool by_kernel{};  // the kernel asks, for everybody; the origin was only what made it do so
  // Of the requester; 0: it has none.
  std::int32_t thread_keyring{};
  std::int32_t process_keyring{};
  std::int32_t session_keyring{};
};

// Who made the kernel ask for a module or another helper.
enum class Asker : std::uint8_t {
  user,     // a system call of the origin
  kernel,   // a thread of the kernel's own; for whom, it does not tell
  unknown,  // it could not be found out: the origin is empty
};

[[nodiscard]] const char* name_of(Asker asker);

// A module that the kernel wants user space to load (request_module() in the kernel).
struct ModuleRequest {
  std::string alias;                 // as asked for: "net-pf-21", "fs-xfs"
  std::vector<std::string> modules;  // what it stands for on this machine, as far as that is known
  Asker asker{Asker::unknown};
  bool waits{};  // the asker, for the end of it
};

// Any other program that the kernel starts by itself (call_usermodehelper() in the kernel).
struct HelperRequest {
  std::string path;                    // of the program, as the kernel asked for it
  std::vector<std::string> arguments;  // behind it
  // What has become empty is the origin's cgroup. Of version 2 there is no program.
  bool release_agent{};
  Asker asker{Asker::unknown};
  bool waits{};  // the asker, for a helper at this moment
};

using Detail = std::variant<CoreDump, KeyRequest, ModuleRequest, HelperRequest>;

struct Event {
  EventId id{};
  std::chrono::system_clock::time_point time;  // when it reached the broker
  Origin origin;
  Detail detail;
};

// As the policy calls it: "coredump".
[[nodiscard]] const char* kind_of(const Event& event);

}  // namespace upcall::event
