// SPDX-License-Identifier: Apache-2.0
#include "kernel/core_head.h"

#include <elf.h>

#include <csignal>
#include <cstring>

namespace upcall::kernel {
namespace {

using Answer = std::variant<FatalSignal, NeedsMoreBytes, NotACore>;
using Bytes = std::span<const std::byte>;

template <class T>
std::optional<T> at(Bytes bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return {};
  T value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

bool has_address(int signal) {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE ||
         signal == SIGTRAP;
}

// siginfo_t has its fields at other places in a 32-bit core: si_addr follows the three ints at
// once.
template <class Address>
std::optional<FatalSignal> parse_siginfo(Bytes info) {
  const auto number = at<std::int32_t>(info, 0);
  const auto code = at<std::int32_t>(info, 8);
  const auto address = at<Address>(info, sizeof(Address) == 8 ? 16 : 12);
  if (!number || !code || !address) return {};
  FatalSignal signal{.number = *number, .code = *code};
  // A signal that a process sent (si_code <= 0) has the sender where the address would be.
  if (has_address(*number) && *code > 0) signal.address = address;
  return signal;
}

std::uint64_t padded(std::uint32_t size) { return (std::uint64_t{size} + 3U) & ~std::uint64_t{3}; }

template <class Address>
Answer find_siginfo(Bytes head, std::uint64_t offset, std::uint64_t end) {
  while (offset < end) {
    const auto note = at<Elf64_Nhdr>(head, offset);  // the same in both classes
    if (!note) return NeedsMoreBytes{};
    const std::uint64_t info = offset + sizeof *note + padded(note->n_namesz);
    if (note->n_type == NT_SIGINFO) {
      if (info + note->n_descsz > head.size()) return NeedsMoreBytes{};
      const auto signal = parse_siginfo<Address>(head.subspan(info, note->n_descsz));
      return signal ? Answer{*signal} : Answer{NotACore{}};
    }
    offset = info + padded(note->n_descsz);
  }
  return NotACore{};
}

template <class Header, class ProgramHeader, class Address>
Answer parse(Bytes head) {
  const auto header = at<Header>(head, 0);
  if (!header) return NeedsMoreBytes{};
  if (header->e_type != ET_CORE) return NotACore{};
  const auto notes = at<ProgramHeader>(head, header->e_phoff);
  if (!notes) return NeedsMoreBytes{};
  const std::uint64_t begin = notes->p_offset;
  const std::uint64_t size = notes->p_filesz;
  if (notes->p_type != PT_NOTE || begin + size < begin) return NotACore{};
  return find_siginfo<Address>(head, begin, begin + size);
}

}  // namespace

Answer parse_fatal_signal(Bytes head) {
  if (head.size() < EI_NIDENT) return NeedsMoreBytes{};
  if (std::memcmp(head.data(), ELFMAG, SELFMAG) != 0) return NotACore{};
  switch (static_cast<unsigned char>(head[EI_CLASS])) {
    case ELFCLASS64:
      return parse<Elf64_Ehdr, Elf64_Phdr, std::uint64_t>(head);
    case ELFCLASS32:
      return parse<Elf32_Ehdr, Elf32_Phdr, std::uint32_t>(head);
    default:
      return NotACore{};
  }
}

}  // namespace upcall::kernel
