// SPDX-License-Identifier: Apache-2.0
// upcall-broker to upcall-launcher and back, one SOCK_SEQPACKET datagram each.
//
// The broker is not trusted here. It names a *row* of the handler table, which root wrote before
// any untrusted byte was read, and a *capture*, a set of kernel objects that the launcher itself
// opened from a kernel-given pidfd. No path, no user, no argument vector and no process id decides
// what is done. A broker that an attacker owns can still only start what root has configured, and
// where it may run is for the launcher to say: it refuses to bring an origin's data to where its
// rules of disclosure (docs/THREAT-MODEL.md) do not allow it.
//
// Every request carries an `id` of the broker's choice, which its replies repeat.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace upcall::wire {

inline constexpr std::uint32_t kLauncherVersion = 1;

// How many captures the launcher holds at once; each costs it some twenty descriptors. It is also
// the most handlers that run at once.
inline constexpr std::uint32_t kMaxCaptures = 64;

enum class LauncherType : std::uint32_t {
  capture = 1,  // -> captured
  run,          // -> run_started (or run_ended at once), then run_ended
  kill,         // -> run_ended of that run, with how = killed
  release,      // no reply; the capture's number is free again
  captured,
  run_started,
  run_ended,
  open_directory,  // -> opened
  open_record,     // -> opened
  opened,
  inspect,      // -> captured
  key_landing,  // -> key_landed
  key_landed,
  key_capture,  // -> key_captured
  key_captured,
  key_abandon,     // no reply; the landing is gone
  helped,          // -> captured
  number_network,  // -> network_numbered
  network_numbered,
  introduce_init,  // -> init_introduced
  init_introduced,
};

struct LauncherHeader {
  std::uint32_t version{kLauncherVersion};
  LauncherType type{};
  std::uint64_t id{};
};

// Descriptors: {pidfd of the crashed process, as the kernel gave it}.
struct CaptureRequest {
  LauncherHeader header{.type = LauncherType::capture};
  std::int32_t tid{};  // the dumping thread, in the launcher's PID namespace
  std::int32_t dumpable{
      -1};  // what the kernel said beside the pidfd (%d), -1 where it must be asked by pidfd
};
static_assert(std::is_trivially_copyable_v<CaptureRequest> && sizeof(CaptureRequest) == 24);

// What a capture of this process would say, if it dumped core now. Unless `hold` is 1, nothing can
// be run on it: the reply's capture is kNoCapture. Otherwise it must be the init of a container,
// which has caused nothing: only handlers for uevents can be run on it. Descriptors: {pidfd of a
// process}.
struct InspectRequest {
  LauncherHeader header{.type = LauncherType::inspect};
  std::uint32_t hold{};
  std::uint32_t reserved{};
};
inline constexpr std::uint32_t kNoCapture = UINT32_MAX;

// The eight kinds of namespace, in the order of every array here.
enum class NamespaceKind : std::uint32_t { cgroup, ipc, uts, net, pid, time, mnt, user };
inline constexpr std::size_t kNamespaceKinds = 8;

// Whose the origin is. in_container: the container's root could have ptraced it, so its data may
// enter there. host: it is in no PID namespace but the host's, and in no cgroup of a container
// there. mixed: neither; the host's policy holds.
enum class Verdict : std::uint32_t { host = 1, mixed, in_container };

// The rules of disclosure that failed, when the verdict is mixed (docs/THREAT-MODEL.md, D1 to D8).
enum DisclosureRule : std::uint32_t {
  user_namespace_outside = 1U << 0U,   // D1
  pid_namespace_outside = 1U << 1U,    // D2
  mount_namespace_outside = 1U << 2U,  // D3
  capabilities_exceed = 1U << 3U,      // D4
  cgroup_outside = 1U << 4U,           // D5
  not_dumpable = 1U << 5U,             // D6
  filters_weaker = 1U << 6U,           // D7
  not_confinable = 1U << 7U,           // D8
  filters_unknown = 1U << 8U,          // D9: of a run alone
};

// What the launcher learnt of an origin, for the broker's policy to judge. Three texts follow it in
// the datagram: `exe_length` bytes of the executable's path as the origin sees it,
// `host_name_length` bytes of its UTS node name, both of which are the origin's choice of bytes and
// may hold anything but NUL, and `tag_length` bytes of its tag (kernel/pidfd_tag.h).
struct CaptureReply {
  LauncherHeader header{.type = LauncherType::captured};
  std::int32_t error{};     // 0, or an errno: then there is no capture and nothing below is set
  std::uint32_t step{};     // CaptureStep at which it failed
  std::uint32_t capture{};  // its number, for run and release
  Verdict verdict{};
  std::uint32_t failed_rules{};
  std::int32_t
      template_pid{};  // the container's init, whose privileges a handler gets; 0 without one
  std::uint32_t pid_depth{};   // how many PID namespaces the container's is below the launcher's
  std::uint32_t user_depth{};  // how many user namespaces the origin's is below the launcher's
  std::int32_t dumpable{};     // 0, 1, 2; -1 where this kernel does not tell
  std::uint32_t exe_length{};
  std::uint32_t host_name_length{};
  std::int32_t signal{};  // the fatal one; 0 where this kernel does not tell (before 5.17)
  std::uint32_t tag_length{};
  std::int32_t pid{};  // of the process, in the launcher's PID namespace
  // Ids from NS_GET_ID; inode numbers of /proc/PID/ns where the kernel has no NS_GET_ID
  // (before 6.18).
  std::array<std::uint64_t, kNamespaceKinds> origin_namespaces{};
  std::array<std::uint64_t, kNamespaceKinds> template_namespaces{};
  std::array<std::uint64_t, kNamespaceKinds> host_namespaces{};
};
static_assert(std::is_trivially_copyable_v<CaptureReply> && sizeof(CaptureReply) == 264);
inline constexpr std::size_t kMaxCaptureReply = sizeof(CaptureReply) + 4096 + 65 + 255;

// The number by which uevents of devices in its network namespace are known
// (kernel/network_collector.h). The capture is one of an InspectRequest's, held. Reply: descriptor
// {a sysfs of that network namespace, read-only and mounted nowhere}, or an error. It leads no
// further than the host's, which the broker has anyway, and keeps no namespace alive.
struct NetworkRequest {
  LauncherHeader header{.type = LauncherType::number_network};
  std::uint32_t capture{};
  std::uint32_t reserved{};
};
struct NetworkNumbered {
  LauncherHeader header{.type = LauncherType::network_numbered};
  std::int32_t error{};  // 0, or an errno: ENOTSUP for a container in the host's
  std::uint32_t number{};
};

// Who made the kernel start a helper, which the kernel's trace told the broker. Held only if asked
// for and if the thread waits for a helper at this moment, which the launcher sees by itself: else
// the reply's capture is kNoCapture. Descriptors: {pidfd of its process, pidfd of the helper}; what
// started after the helper cannot have asked for it.
struct HelpedRequest {
  LauncherHeader header{.type = LauncherType::helped};
  std::int32_t tid{};  // in the launcher's PID namespace
  std::uint32_t hold{};
};
static_assert(std::is_trivially_copyable_v<HelpedRequest> && sizeof(HelpedRequest) == 24);

// Where upcall-shim may lay down the authority over one key: a keyring of the launcher's, into
// which root may link keys until key_capture or key_abandon takes it away again.
struct KeyLandingRequest {
  LauncherHeader header{.type = LauncherType::key_landing};
};
struct KeyLanded {
  LauncherHeader header{.type = LauncherType::key_landed};
  std::int32_t error{};  // 0, or an errno: EAGAIN when too many wait
  std::int32_t keyring{};
};

// The authority has landed: capture who requested the key. Descriptors: {pidfd of upcall-shim}.
struct KeyCaptureRequest {
  LauncherHeader header{.type = LauncherType::key_capture};
  std::int32_t keyring{};
  std::uint32_t reserved{};
};
struct KeyAbandonRequest {
  LauncherHeader header{.type = LauncherType::key_abandon};
  std::int32_t keyring{};
  std::uint32_t reserved{};
};

// What the launcher read of the request itself, by its own possession of the authority. After the
// texts of the capture come four more: the key's type and description, the description of the
// keyring that it goes to, and the callout information. All are the requester's choice of bytes.
struct KeyCaptured {
  CaptureReply capture{.header = {.type = LauncherType::key_captured}};
  std::int32_t key{};         // its serial
  std::int32_t tid{};         // of the requester, in the launcher's PID namespace
  std::uint32_t by_kernel{};  // 1: the kernel asks for itself, and keeps the key for everybody
  std::uint32_t type_length{};
  std::uint32_t description_length{};
  std::uint32_t destination_length{};
  std::uint32_t callout_length{};
  std::uint32_t reserved{};
};
static_assert(std::is_trivially_copyable_v<KeyCaptured> && sizeof(KeyCaptured) == 296);

// More than a key's type and description can have (KEYCTL_DESCRIBE: 4096), and more callout
// information than request_key(2) takes (a page); what the kernel itself gives is shorter.
inline constexpr std::size_t kMaxCallout = std::size_t{32} * 1024;
inline constexpr std::size_t kMaxLauncherReply = kMaxCaptureReply + sizeof(KeyCaptured) -
                                                 sizeof(CaptureReply) + (std::size_t{2} * 4200) +
                                                 kMaxCallout;

// Descriptors: {stdin, stdout, stderr, event}: sockets, all four. `environment_bytes` bytes of
// "NAME=value\0" follow the struct; the launcher checks nothing in them but their form, and appends
// what the row itself fixes. An argument "{name}" of the row is replaced by the value of
// UPCALL_<NAME>. Rows for uevents, which are nobody's, and for usermode
// helpers, most of which are, also run on kNoCapture.
struct RunRequest {
  LauncherHeader header{.type = LauncherType::run};
  std::uint32_t capture{};
  std::uint32_t row{};
  std::uint32_t environment_bytes{};
  std::uint32_t reserved{};
};
static_assert(std::is_trivially_copyable_v<RunRequest> && sizeof(RunRequest) == 32);
inline constexpr std::size_t kMaxEnvironmentBytes = std::size_t{32} * 1024;

// One of the state directories that root configured, by its place in that table (wire/
// state_directories.h). Reply: descriptors {names of its entries, each ended by NUL; an inotify(7)
// of what comes and goes after them}, or an error. Like the records below, names come as copies in
// memory: a descriptor of the host's files would be a way to the host for whoever holds it.
struct DirectoryRequest {
  LauncherHeader header{.type = LauncherType::open_directory};
  std::uint32_t directory{};
  std::uint32_t reserved{};
};

// A file of one record in it. Reply: descriptor {its bytes}, or an error: ENOENT for a record that
// is gone, ELOOP for a symbolic link on the way, EPERM for what somebody but root could have
// written, EFBIG for what no record can be.
struct RecordRequest {
  LauncherHeader header{.type = LauncherType::open_record};
  std::uint32_t directory{};
  std::uint32_t file{};          // its place in record_files()
  std::array<char, 256> name{};  // the entry's, up to its first NUL: one component of a path
};
static_assert(std::is_trivially_copyable_v<RecordRequest> && sizeof(RecordRequest) == 280);

// The init of a container that has no PID namespace of its own, by its record: from then on it is
// the template of what is in its cgroup or below it. The launcher believes none of this: it opens
// the record itself, and sees whether that begins as the runtime begins the record of this very
// process.
struct InitRequest {
  LauncherHeader header{.type = LauncherType::introduce_init};
  std::uint32_t directory{};
  std::uint32_t file{};  // one that begins with an init
  std::array<char, 256> name{};
  std::int32_t pid{};  // in the launcher's PID namespace
  std::uint32_t reserved{};
  std::uint64_t start_time{};  // field 22 of its stat
};
static_assert(std::is_trivially_copyable_v<InitRequest> && sizeof(InitRequest) == 296);

struct InitIntroduced {
  LauncherHeader header{.type = LauncherType::init_introduced};
  std::int32_t error{};  // 0, or an errno: EPERM where the record says nothing of the kind, ENOSPC
                         // when as many are known as can be
  std::uint32_t reserved{};
};

struct Opened {
  LauncherHeader header{.type = LauncherType::opened};
  std::int32_t error{};  // 0, or an errno, and then there are no descriptors
  std::uint32_t reserved{};
};

// `header.id` is that of the run, or for release unused.
struct KillRequest {
  LauncherHeader header{.type = LauncherType::kill};
};
struct ReleaseRequest {
  LauncherHeader header{.type = LauncherType::release};
  std::uint32_t capture{};
  std::uint32_t reserved{};
};

struct RunStarted {
  LauncherHeader header{.type = LauncherType::run_started};
  std::int32_t pid{};  // the handler's, in the launcher's PID namespace
  std::uint32_t reserved{};
};

enum class RunEnd : std::uint32_t {
  exited = 1,   // status: its exit status
  signalled,    // status: the signal
  timed_out,    // its row's time was up and it was killed
  killed,       // the broker asked for it
  not_started,  // status: errno; step: where
  refused,      // the row may not run on this capture; step: the DisclosureRule bits or 0
};

struct RunEnded {
  LauncherHeader header{.type = LauncherType::run_ended};
  RunEnd how{};
  std::int32_t status{};
  std::uint32_t step{};         // ConfineStep (wire/confine_step.h), for not_started
  std::uint32_t peak_memory{};  // KiB
  std::uint64_t user_time{};    // microseconds
  std::uint64_t system_time{};  // microseconds
  std::uint64_t start_time{};   // microseconds from the request to the handler's exec
  std::uint64_t total_time{};   // microseconds from the request to its end
};
static_assert(std::is_trivially_copyable_v<RunEnded> && sizeof(RunEnded) == 64);

// Any datagram that the launcher may get fits here.
inline constexpr std::size_t kMaxLauncherRequest = sizeof(RunRequest) + kMaxEnvironmentBytes;

}  // namespace upcall::wire
