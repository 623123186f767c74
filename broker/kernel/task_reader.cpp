// SPDX-License-Identifier: Apache-2.0
#include "kernel/task_reader.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <span>

#include "kernel/btf.h"

namespace upcall::kernel {
namespace {

int bpf(bpf_cmd command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

std::uint64_t address_of(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

UniqueFd make_map() {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = sizeof(std::uint32_t);
  attributes.value_size = sizeof(TaskExchange);
  attributes.max_entries = 1;
  return UniqueFd{bpf(BPF_MAP_CREATE, attributes)};  // CLOEXEC by itself, as all of bpf(2)'s
}

// The kernel's helper for reading its memory is for programs under the GPL alone: what
// write_task_program() makes may be used under it as well.
UniqueFd load_program(std::span<const bpf_insn> code, std::uint32_t iterator) {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_TRACING;
  attributes.expected_attach_type = BPF_TRACE_ITER;
  attributes.attach_btf_id = iterator;
  attributes.insns = address_of(code.data());
  attributes.insn_cnt = static_cast<__u32>(code.size());
  attributes.license = address_of("GPL");
  return UniqueFd{bpf(BPF_PROG_LOAD, attributes)};
}

// Visits one thread, and so lets the program see it.
Result<Ok> visit(int program, pid_t tid) {
  bpf_iter_link_info which{};
  which.task.tid = static_cast<__u32>(tid);
  bpf_attr attributes{};
  attributes.link_create.prog_fd = static_cast<__u32>(program);
  attributes.link_create.attach_type = BPF_TRACE_ITER;
  attributes.link_create.iter_info = address_of(&which);
  attributes.link_create.iter_info_len = sizeof which;
  const UniqueFd link{bpf(BPF_LINK_CREATE, attributes)};
  if (!link) return from_errno("look at a thread");
  attributes = {};
  attributes.iter_create.link_fd = static_cast<__u32>(link.get());
  const UniqueFd iterator{bpf(BPF_ITER_CREATE, attributes)};
  std::array<char, 1> nothing{};
  if (!iterator || ::read(iterator.get(), nothing.data(), nothing.size()) < 0)
    return from_errno("look at a thread");
  return Ok{};
}

}  // namespace

Result<TaskReader> TaskReader::make() {
  const auto types = Btf::read_kernel();
  if (!types) return types.error();
  auto map = make_map();
  if (!map) return from_errno("share memory with the kernel");
  const auto code = write_task_program(*types, map.get());
  const auto iterator = types->find_function("bpf_iter_task");
  if (!code || !iterator) return from_errno("find seccomp in the kernel's types", ENOTSUP);
  auto program = load_program(*code, *iterator);
  if (!program) return from_errno("load the reader of threads");
  return TaskReader{std::move(map), std::move(program)};
}

Result<std::vector<SeccompFilter>> TaskReader::read_filters(pid_t tid, int count) const {
  std::vector<SeccompFilter> filters;
  for (int depth = count - 1; depth >= 0; --depth) {
    auto filter = read_one(tid, static_cast<std::uint32_t>(depth));
    if (!filter) return filter.error();
    filters.push_back(*std::move(filter));
  }
  return filters;
}

Result<SeccompFilter> TaskReader::read_one(pid_t tid, std::uint32_t depth) const {
  const auto seen = look_at(tid, {.depth = depth});
  if (!seen) return seen.error();
  if (seen->length == 0 || seen->length > seen->instructions.size())
    return from_errno("copy a seccomp filter", ENODATA);
  return SeccompFilter{seen->instructions.begin(), seen->instructions.begin() + seen->length};
}

Result<int> TaskReader::read_dumpable(pid_t tid) const {
  constexpr std::uint64_t kUnseen = UINT64_MAX;
  constexpr std::uint64_t kDumpable = 3;  // MMF_DUMPABLE_MASK, include/linux/sched/coredump.h
  const auto seen = look_at(tid, {.dumpable = kUnseen});
  if (!seen) return seen.error();
  if (seen->dumpable == kUnseen) return from_errno("see whether a thread is dumpable", ENODATA);
  return static_cast<int>(seen->dumpable & kDumpable);
}

Result<TaskExchange> TaskReader::look_at(pid_t tid, TaskExchange exchange) const {
  const std::uint32_t key = 0;
  bpf_attr attributes{};
  attributes.map_fd = static_cast<__u32>(map_.get());
  attributes.key = address_of(&key);
  attributes.value = address_of(&exchange);
  if (bpf(BPF_MAP_UPDATE_ELEM, attributes) != 0) return from_errno("ask about a thread");
  if (const auto visited = visit(program_.get(), tid); !visited) return visited.error();
  if (bpf(BPF_MAP_LOOKUP_ELEM, attributes) != 0) return from_errno("hear of a thread");
  return exchange;
}

}  // namespace upcall::kernel
