// SPDX-License-Identifier: Apache-2.0
// The program that TaskReader runs in the kernel, and what the two share.
#pragma once

#include <linux/bpf.h>
#include <linux/filter.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernel/btf.h"

namespace upcall::kernel {

struct TaskExchange {
  std::uint32_t depth{};     // which filter: 0 is the latest
  std::uint32_t length{};    // in instructions; 0: there is no such filter
  std::uint64_t dumpable{};  // prctl(PR_GET_DUMPABLE), in its lowest bits; 0 without memory
  std::array<sock_filter, BPF_MAXINSNS> instructions{};
};

// For an iterator over tasks: fills the exchange, the one element of the array `map`, with the
// whether the task is dumpable, and with the filter at its depth in the chain of the task. Nothing
// where `types` do not say how to find that.
[[nodiscard]] std::optional<std::vector<bpf_insn>> write_task_program(const Btf& types, int map);

}  // namespace upcall::kernel
