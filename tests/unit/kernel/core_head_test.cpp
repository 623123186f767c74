// SPDX-License-Identifier: Apache-2.0
#include "kernel/core_head.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <bit>
#include <csignal>
#include <cstring>
#include <string>

namespace upcall::kernel {
namespace {

template <class T>
void append(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_note(std::string& bytes, std::uint32_t type, std::string info) {
  append(
      bytes,
      Elf64_Nhdr{.n_namesz = 5, .n_descsz = static_cast<Elf64_Word>(info.size()), .n_type = type});
  bytes.append("CORE\0\0\0\0", 8);
  info.resize((info.size() + 3) / 4 * 4);
  bytes += info;
}

std::string siginfo(int number, int code, std::uint64_t address) {
  siginfo_t info{};
  info.si_signo = number;
  info.si_code = code;
  info.si_addr = std::bit_cast<void*>(address);
  std::string bytes;
  append(bytes, info);
  return bytes;
}

// As the kernel writes it: header, program headers, a thread's registers, then the signal.
std::string core(const std::string& info) {
  std::string notes;
  append_note(notes, NT_PRSTATUS, std::string(336, 'r'));
  append_note(notes, NT_SIGINFO, info);
  Elf64_Ehdr header{.e_type = ET_CORE,
                    .e_phoff = sizeof(Elf64_Ehdr),
                    .e_phentsize = sizeof(Elf64_Phdr),
                    .e_phnum = 2};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  std::string bytes;
  append(bytes, header);
  append(bytes, Elf64_Phdr{.p_type = PT_NOTE,
                           .p_offset = sizeof(Elf64_Ehdr) + (2 * sizeof(Elf64_Phdr)),
                           .p_filesz = notes.size()});
  append(bytes, Elf64_Phdr{.p_type = PT_LOAD});
  return bytes + notes;
}

auto parse(const std::string& bytes) { return parse_fatal_signal(std::as_bytes(std::span{bytes})); }

TEST(ParseFatalSignal, ReadsNumberCodeAndAddress) {
  const auto answer = parse(core(siginfo(SIGSEGV, SEGV_MAPERR, 0xdead000)));
  const auto* signal = std::get_if<FatalSignal>(&answer);
  ASSERT_NE(signal, nullptr);
  EXPECT_EQ(signal->number, SIGSEGV);
  EXPECT_EQ(signal->code, SEGV_MAPERR);
  EXPECT_EQ(signal->address, 0xdead000U);
}

TEST(ParseFatalSignal, HasNoAddressForASignalThatAProcessSent) {
  const auto answer = parse(core(siginfo(SIGSEGV, SI_USER, 4711)));
  const auto* signal = std::get_if<FatalSignal>(&answer);
  ASSERT_NE(signal, nullptr);
  EXPECT_EQ(signal->address, std::nullopt);
}

TEST(ParseFatalSignal, AsksForMoreWhereverTheHeadIsCut) {
  const auto whole = core(siginfo(SIGABRT, SI_TKILL, 0));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_TRUE(std::holds_alternative<NeedsMoreBytes>(parse(whole.substr(0, size)))) << size;
  }
}

TEST(ParseFatalSignal, IsNoCoreWithoutTheRightHeaders) {
  EXPECT_TRUE(std::holds_alternative<NotACore>(parse(std::string(64, 'x'))));
  auto executable = core(siginfo(SIGSEGV, 1, 0));
  executable[16] = ET_EXEC;
  EXPECT_TRUE(std::holds_alternative<NotACore>(parse(executable)));
}

TEST(ParseFatalSignal, SurvivesNotesThatClaimAnySize) {
  auto bytes = core(siginfo(SIGSEGV, 1, 0));
  const auto note = sizeof(Elf64_Ehdr) + (2 * sizeof(Elf64_Phdr));
  for (const std::uint32_t size : {0U, 0xfffffffcU, 0xffffffffU}) {
    std::memcpy(bytes.data() + note + 4, &size, sizeof size);
    EXPECT_FALSE(std::holds_alternative<FatalSignal>(parse(bytes)) && size > bytes.size());
  }
}

}  // namespace
}  // namespace upcall::kernel
