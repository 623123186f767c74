// SPDX-License-Identifier: Apache-2.0
// upcalld (the supervisor) and upcall-broker, and upcalld and upcall-launcher: fixed datagrams over
// a SOCK_SEQPACKET pair each.
//
// The supervisor trusts nothing of it but that the broker lives: a broker that an attacker owns can
// say that it is ready, or that a self-test arrived, and gains nothing by it.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

namespace upcall::wire {

enum class SupervisorMessageType : std::uint32_t {
  ready = 1,          // broker: it serves its sockets
  expect_self_test,   // supervisor: `pid` is about to dump core; the broker repeats it when it is
                      // prepared
  self_test_arrived,  // broker: its core dump came in, from the kernel's hand
  stop,               // supervisor: take no more, finish what runs, then exit
};

struct SupervisorMessage {
  SupervisorMessageType type{};
  std::int32_t pid{};
};
static_assert(std::is_trivially_copyable_v<SupervisorMessage> && sizeof(SupervisorMessage) == 8);

// kernel.core_pattern holds at most 127 bytes.
inline constexpr std::size_t kGuardPattern = 129;

// kernel.modprobe holds at most 255 bytes; so do we of what else names a helper.
inline constexpr std::size_t kGuardPath = 256;

// A setting that names a helper: what stands there is put back only while it is still ours. All are
// NUL-terminated; without `ours` there is nothing to put back.
struct GuardSetting {
  std::array<char, kGuardPath> file{};
  std::array<char, kGuardPath> ours{};
  std::array<char, kGuardPath> previous{};
};
// kernel.modprobe and eight release agents.
inline constexpr std::size_t kGuardSettings = 9;

// supervisor to launcher, the only message on their socket: what the launcher restores when the
// supervisor dies. Sent before a setting is written and after it was restored: `ours` is empty
// then.
struct GuardRecord {
  std::array<char, kGuardPattern> ours{};  // NUL-terminated; restored only while it still stands
  std::array<char, kGuardPattern> previous{};  // NUL-terminated
  std::array<char, 2> reserved{};
  // kernel.core_pipe_limit: what we set, restored only while it still stands, and what was before.
  // -1: it was not touched.
  std::int32_t our_pipe_limit{-1};
  std::int32_t previous_pipe_limit{-1};
  std::array<GuardSetting, kGuardSettings> helpers{};
  std::uint32_t traces{};  // there is a trace instance to remove, once the broker is gone
};
static_assert(std::is_trivially_copyable_v<GuardRecord> && sizeof(GuardRecord) == 7184);

// Bytes of the file "lock" in the runtime and the state directory, each locked by one process while
// it lives (kernel/process_lock.h): there is one upcalld to a directory, and its successor waits
// for a launcher that is about to put back what it changed.
inline constexpr std::uint32_t kUpcalldLock = 0;
inline constexpr std::uint32_t kLauncherLock = 1;

}  // namespace upcall::wire
