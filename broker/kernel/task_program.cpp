// SPDX-License-Identifier: Apache-2.0
#include "kernel/task_program.h"

#include <cstddef>

namespace upcall::kernel {
namespace {

// A chain has more only where they are tiny: all of its filters have 32768 instructions at most.
constexpr std::uint32_t kMostFilters = 64;

// Where in the kernel's structs the ways from a task to its filters and to whether it is dumpable
// go.
struct Offsets {
  std::uint32_t dumpable_of_task{};  // to what holds it
  std::uint32_t dumpable{};          // in there
  std::uint32_t filter_of_task{};
  std::uint32_t previous{};
  std::uint32_t program{};
  std::uint32_t original{};
  std::uint32_t length{};
  std::uint32_t instructions{};
};

std::optional<Offsets> find_offsets(const Btf& types) {
  // Newer kernels (7.3) do not keep it with the memory, whose lowest flags mean something else
  // then.
  const auto state = types.offset_of("task_struct", "exec_state");
  const auto holder = state ? state : types.offset_of("task_struct", "mm");
  const auto dumpable = state ? types.offset_of("task_exec_state", "dumpable")
                              : types.offset_of("mm_struct", "flags");
  const auto seccomp = types.offset_of("task_struct", "seccomp");
  const auto filter = types.offset_of("seccomp", "filter");
  const auto previous = types.offset_of("seccomp_filter", "prev");
  const auto program = types.offset_of("seccomp_filter", "prog");
  const auto original = types.offset_of("bpf_prog", "orig_prog");
  const auto length = types.offset_of("sock_fprog_kern", "len");
  const auto instructions = types.offset_of("sock_fprog_kern", "filter");
  if (!holder || !dumpable || !seccomp || !filter || !previous || !program || !original ||
      !length || !instructions)
    return {};
  return Offsets{.dumpable_of_task = *holder,
                 .dumpable = *dumpable,
                 .filter_of_task = *seccomp + *filter,
                 .previous = *previous,
                 .program = *program,
                 .original = *original,
                 .length = *length,
                 .instructions = *instructions};
}

// An assembler for the few instructions that are needed. Jumps go to labels that come later or,
// for the one loop, earlier.
class Assembler {
 public:
  [[nodiscard]] std::size_t here() const { return code_.size(); }
  [[nodiscard]] std::vector<bpf_insn> take() { return std::move(code_); }

  void copy(int to, int from) { add(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
  void set(int to, std::int32_t value) { add(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value); }
  void plus(int to, std::int32_t value) {
    // NOLINTNEXTLINE(misc-redundant-expression): two of these names are 0
    add(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value);
  }
  void shift_left(int to, std::int32_t bits) { add(BPF_ALU64 | BPF_LSH | BPF_K, to, 0, 0, bits); }
  void load(int size, int to, int from, std::int16_t offset) {
    add(BPF_LDX | BPF_MEM | size, to, from, offset, 0);
  }
  void store(int size, int to, std::int16_t offset, int from) {
    add(BPF_STX | BPF_MEM | size, to, from, offset, 0);
  }
  void call(bpf_func_id helper) { add(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }
  void load_map(int to, int map) {
    add(BPF_LD | BPF_IMM | BPF_DW, to, BPF_PSEUDO_MAP_FD, 0, map);
    add(0, 0, 0, 0, 0);
  }
  // The number of the jump, for land().
  std::size_t jump_if(int condition, int left, std::int32_t right) {
    add(BPF_JMP | condition | BPF_K, left, 0, 0, right);
    return here() - 1;
  }
  void jump_back(std::size_t target) {
    add(BPF_JMP | BPF_JA, 0, 0, static_cast<std::int16_t>(target - here() - 1), 0);
  }
  void land(std::size_t jump) { code_[jump].off = static_cast<std::int16_t>(here() - jump - 1); }
  void exit() { add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

 private:
  void add(int code, int to, int from, std::int16_t offset, std::int32_t value) {
    bpf_insn instruction{};
    instruction.code = static_cast<__u8>(code);
    instruction.dst_reg = static_cast<__u8>(to & 0xf);
    instruction.src_reg = static_cast<__u8>(from & 0xf);
    instruction.off = offset;
    instruction.imm = value;
    code_.push_back(instruction);
  }
  std::vector<bpf_insn> code_;
};

// Which of the machine's registers keeps what; those from 1 to 5 are a call's arguments.
constexpr int kTask = BPF_REG_6;
constexpr int kExchange = BPF_REG_7;
constexpr int kCount = BPF_REG_8;
constexpr int kPointer = BPF_REG_9;
constexpr std::int16_t kKey = -4;    // on the stack
constexpr std::int16_t kRead = -16;  // likewise: what was read of the kernel's memory

// kPointer = *(from + offset); 0 where that cannot be read.
void follow(Assembler& code, int from, std::uint32_t offset) {
  code.copy(BPF_REG_3, from);
  code.plus(BPF_REG_3, static_cast<std::int32_t>(offset));
  code.set(BPF_REG_2, sizeof(std::uint64_t));
  code.copy(BPF_REG_1, BPF_REG_10);
  code.plus(BPF_REG_1, kRead);
  code.call(BPF_FUNC_probe_read_kernel);
  code.load(BPF_DW, kPointer, BPF_REG_10, kRead);
}

// kExchange = the map's one element. Gives the jump that is taken without it.
std::size_t find_exchange(Assembler& code, int map) {
  code.set(BPF_REG_1, 0);
  code.store(BPF_W, BPF_REG_10, kKey, BPF_REG_1);
  code.copy(BPF_REG_2, BPF_REG_10);
  code.plus(BPF_REG_2, kKey);
  code.load_map(BPF_REG_1, map);
  code.call(BPF_FUNC_map_lookup_elem);
  const auto without = code.jump_if(BPF_JEQ, BPF_REG_0, 0);
  code.copy(kExchange, BPF_REG_0);
  return without;
}

void copy_dumpable(Assembler& code, const Offsets& offsets) {
  follow(code, kTask, offsets.dumpable_of_task);
  follow(code, kPointer, offsets.dumpable);
  code.store(BPF_DW, kExchange, offsetof(TaskExchange, dumpable), kPointer);
}

// kPointer = the filter at the exchange's depth. Gives the jump that is taken when it is too deep.
std::size_t find_filter(Assembler& code, const Offsets& offsets) {
  code.load(BPF_W, kCount, kExchange, offsetof(TaskExchange, depth));
  const auto too_deep = code.jump_if(BPF_JGE, kCount, kMostFilters);
  follow(code, kTask, offsets.filter_of_task);
  const auto loop = code.here();
  // Not BPF_JEQ with 0, of which the verifier of Linux 6.1 does not learn that the loop ends.
  const auto done = code.jump_if(BPF_JLT, kCount, 1);
  follow(code, kPointer, offsets.previous);
  code.plus(kCount, -1);
  code.jump_back(loop);
  code.land(done);
  return too_deep;
}

// exchange = the filter at kPointer. Gives the jumps that are taken when it cannot be.
std::array<std::size_t, 2> copy_filter(Assembler& code, const Offsets& offsets) {
  follow(code, kPointer, offsets.program);
  follow(code, kPointer, offsets.original);
  code.copy(kTask, kPointer);
  follow(code, kTask, offsets.length);
  code.load(BPF_H, kCount, BPF_REG_10, kRead);
  const auto too_long = code.jump_if(BPF_JGT, kCount, BPF_MAXINSNS);
  follow(code, kTask, offsets.instructions);
  code.copy(BPF_REG_1, kExchange);
  code.plus(BPF_REG_1, offsetof(TaskExchange, instructions));
  code.copy(BPF_REG_2, kCount);
  code.shift_left(BPF_REG_2, 3);
  static_assert(sizeof(sock_filter) == 1U << 3U);
  code.copy(BPF_REG_3, kPointer);
  code.call(BPF_FUNC_probe_read_kernel);
  const auto unreadable = code.jump_if(BPF_JNE, BPF_REG_0, 0);
  code.store(BPF_W, kExchange, offsetof(TaskExchange, length), kCount);
  return {too_long, unreadable};
}

}  // namespace

std::optional<std::vector<bpf_insn>> write_task_program(const Btf& types, int map) {
  const auto offsets = find_offsets(types);
  if (!offsets) return {};
  Assembler code;
  code.load(BPF_DW, kTask, BPF_REG_1, sizeof(std::uint64_t));  // bpf_iter__task.task
  const auto beyond_last = code.jump_if(BPF_JEQ, kTask, 0);
  const auto without_exchange = find_exchange(code, map);
  copy_dumpable(code, *offsets);
  const auto too_deep = find_filter(code, *offsets);
  const auto [too_long, unreadable] = copy_filter(code, *offsets);
  for (const auto jump : {beyond_last, without_exchange, too_deep, too_long, unreadable})
    code.land(jump);
  code.set(BPF_REG_0, 0);
  code.exit();
  return code.take();
}

}  // namespace upcall::kernel
