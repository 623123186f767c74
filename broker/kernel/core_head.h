// SPDX-License-Identifier: Apache-2.0
// The first bytes of an ELF core: why the process died. Pure: every byte is the crashed process's
// friend's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>

namespace upcall::kernel {

// siginfo of the fatal signal, as NT_SIGINFO has it (Linux 3.7).
struct FatalSignal {
  int number{};
  int code{};
  std::optional<std::uint64_t> address;  // for the signals that have si_addr
};

struct NeedsMoreBytes {};
struct NotACore {};

// The kernel writes header, program headers and notes first, PT_NOTE the first of them, NT_SIGINFO
// among the first notes, so some kilobytes are enough unless the process has thousands of mappings.
[[nodiscard]] std::variant<FatalSignal, NeedsMoreBytes, NotACore> parse_fatal_signal(
    std::span<const std::byte> head);

}  // namespace upcall::kernel
