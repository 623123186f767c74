// SPDX-License-Identifier: Apache-2.0
// upcall-shim to upcall-broker and back: one SOCK_SEQPACKET connection for each call of the kernel.
//
// The shim is started by the kernel as root and adds nothing of its own: it repeats what the kernel
// wrote into its arguments and passes on the kernel's descriptors. The broker believes the pidfd,
// and the numbers only where the kernel told them and no process can have changed them.
//
// Core dump: descriptors {stream, pidfd}; the pidfd is missing where the kernel has no %F. `stream`
// is one end of a stream socket pair. The shim copies the kernel's pipe into the other end, shuts
// its sending side down at the end, and keeps the pipe open until the broker closes. So the broker
// sees the same conversation as from the kernel's own core dump socket after an ack of KERNEL|WAIT.
//
// Key request: the shim has assumed the authority over the key. It names the key, and gets a
// landing, a keyring of upcall-launcher's, into which it links the authority; from that the
// launcher learns by itself all that is to be known. Then it waits for a verdict, does what that
// says with its own authority, reports, and ends, which wakes the requester. A verdict may come
// instead of the landing.
//
// Module request: the shim repeats the name that is asked for, and gets a verdict. Who asks, the
// broker has from the kernel (kernel/helper_chain.h). The shim keeps the connection until it ends
// or has become the stock helper.
//
// Request for any other helper: likewise, with the program that the kernel wants and its arguments.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace upcall::wire {

inline constexpr std::uint32_t kShimVersion = 1;

enum class ShimKind : std::uint32_t { core_dump = 1, key_request, module_request, helper_request };

// Every number is in the initial namespaces; -1 where the kernel did not tell it.
struct ShimCoreDump {
  std::uint32_t version{kShimVersion};
  ShimKind kind{ShimKind::core_dump};
  std::int32_t pid{-1};       // %P
  std::int32_t tid{-1};       // %I
  std::int32_t signal{-1};    // %s
  std::int32_t dumpable{-1};  // %d: 0, 1 or 2, as in prctl(PR_SET_DUMPABLE) and fs.suid_dumpable
};
static_assert(std::is_trivially_copyable_v<ShimCoreDump> && sizeof(ShimCoreDump) == 24);

// The kernel's arguments of /sbin/request-key.
struct ShimKeyRequest {
  std::uint32_t version{kShimVersion};
  ShimKind kind{ShimKind::key_request};
  std::int32_t key{};              // %k, its serial
  std::int32_t thread_keyring{};   // %T of the requester, 0 without
  std::int32_t process_keyring{};  // %P
  std::int32_t session_keyring{};  // %S
};
static_assert(std::is_trivially_copyable_v<ShimKeyRequest> && sizeof(ShimKeyRequest) == 24);

enum class KeyVerdict : std::uint32_t {
  land = 1,     // link the authority into `keyring`, say so, and wait for the next verdict
  pass,         // execute the stock helper
  reject,       // with `error`, remembered for `seconds`
  instantiate,  // with the payload; the key lives `seconds`, 0 for ever
  answered,     // by the handler itself; reject as above what it has left without an answer
};

// What a key of the type `user` holds at most (include/keys/user-type.h), and what request-key(8)
// takes from a program's output. One more byte for a NUL.
inline constexpr std::size_t kMaxKeyPayload = 32767;

// From the broker. `payload_bytes` bytes follow.
struct KeyAnswer {
  KeyVerdict verdict{};
  std::int32_t keyring{};
  std::int32_t error{};
  std::uint32_t seconds{};
  std::uint32_t payload_bytes{};
  std::uint32_t reserved{};
};
static_assert(std::is_trivially_copyable_v<KeyAnswer> && sizeof(KeyAnswer) == 24);
inline constexpr std::size_t kMaxKeyAnswer = sizeof(KeyAnswer) + kMaxKeyPayload + 1;

// From the shim, after each verdict that it has carried out.
struct KeyReport {
  KeyVerdict verdict{};
  std::int32_t error{};  // 0, or an errno; of `answered`, ENODATA where there was no answer
};
static_assert(std::is_trivially_copyable_v<KeyReport> && sizeof(KeyReport) == 8);

// Names of modules and their aliases; the kernel asks for 55 bytes at most (MODULE_NAME_LEN).
inline constexpr std::size_t kModuleName = 64;

// The kernel's last argument of `modprobe -q -- NAME`.
struct ShimModuleRequest {
  std::uint32_t version{kShimVersion};
  ShimKind kind{ShimKind::module_request};
  std::array<char, kModuleName> name{};  // NUL-terminated
};
static_assert(std::is_trivially_copyable_v<ShimModuleRequest> && sizeof(ShimModuleRequest) == 72);

// More than the kernel gives: its longest is the path of a cgroup (PATH_MAX).
inline constexpr std::size_t kMaxHelperTexts = 8192;
inline constexpr std::size_t kMaxHelperArguments = 64;

// `texts_bytes` bytes follow: the path that the kernel asked for and then its arguments, each ended
// by NUL.
struct ShimHelperRequest {
  std::uint32_t version{kShimVersion};
  ShimKind kind{ShimKind::helper_request};
  std::uint32_t release_agent{};  // 1: the argument is a cgroup of version 1 that is empty now
  std::uint32_t texts_bytes{};
};
static_assert(std::is_trivially_copyable_v<ShimHelperRequest> && sizeof(ShimHelperRequest) == 16);
inline constexpr std::size_t kMaxHelperRequest = sizeof(ShimHelperRequest) + kMaxHelperTexts;

enum class HelperVerdict : std::uint32_t {
  pass = 1,  // execute the stock helper
  deny,
  load,  // execute it with `name` instead: only of a module
  end,   // with `status`: a handler did what was to be done
};

// To a request for a module or for another helper.
struct HelperAnswer {
  HelperVerdict verdict{HelperVerdict::deny};
  std::int32_t status{};
  std::array<char, kModuleName> name{};
};
static_assert(std::is_trivially_copyable_v<HelperAnswer> && sizeof(HelperAnswer) == 72);

}  // namespace upcall::wire
