// SPDX-License-Identifier: Apache-2.0
#include "core/elf_extent.h"

#include <gtest/gtest.h>

#include "elf_core.h"

namespace upcall::core {
namespace {

std::optional<std::uint64_t> expected(const Bytes& bytes, std::size_t step) {
  ElfExtent extent;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    extent.feed(std::span{bytes}.subspan(at, std::min(step, bytes.size() - at)));
  }
  return extent.expected();
}

TEST(ElfExtent, IsTheEndOfTheLastSegmentHoweverTheStreamIsCut) {
  const auto core = elf_core({noise(100), noise(5000), noise(4096)});
  for (const std::size_t step : {1UL, 7UL, 63UL, 64UL, 65UL, 4096UL, 100000UL}) {
    EXPECT_EQ(expected(core, step), core.size()) << step;
  }
}

TEST(ElfExtent, IsKnownWithTheHeadersAlone) {
  const auto core = elf_core({noise(100), noise(5000)});
  const Bytes headers(core.begin(), core.begin() + 64 + 2L * 56);
  EXPECT_EQ(expected(headers, 1000), core.size());
}

TEST(ElfExtent, PromisesMoreWhenTheHeadersAreCut) {
  const auto core = elf_core({noise(100), noise(5000)});
  for (const std::size_t size : {1UL, 15UL, 16UL, 63UL, 64UL, 130UL, 175UL}) {
    const auto promised =
        expected(Bytes(core.begin(), core.begin() + static_cast<long>(size)), 1000);
    ASSERT_TRUE(promised) << size;
    EXPECT_GT(*promised, size);
  }
  EXPECT_EQ(ElfExtent{}.expected(), 16U) << "no byte at all";
}

TEST(ElfExtent, TakesCoresOf32BitProcesses) {
  auto header = core_header<Elf32_Ehdr>(ELFCLASS32);
  header.e_phentsize = sizeof(Elf32_Phdr);
  header.e_phnum = 1;
  Bytes core;
  append(core, header);
  append(core, Elf32_Phdr{.p_type = PT_LOAD, .p_offset = 4096, .p_filesz = 8192});
  EXPECT_EQ(expected(core, 5), 12288U);
}

TEST(ElfExtent, EndsWithTheSectionHeaderWhenThereAreTooManySegments) {
  auto header = core_header<Elf64_Ehdr>(ELFCLASS64);
  header.e_phnum = PN_XNUM;
  header.e_shoff = 1 << 20;
  header.e_shnum = 1;
  header.e_shentsize = sizeof(Elf64_Shdr);
  Bytes core;
  append(core, header);
  EXPECT_EQ(expected(core, 64), (1U << 20U) + 64);
}

TEST(ElfExtent, KnowsNothingOfWhatIsNoCore) {
  EXPECT_EQ(expected(noise(5000), 100), std::nullopt);
  auto core = elf_core({noise(10)});
  core[EI_DATA] = std::byte{ELFDATA2MSB};
  EXPECT_EQ(expected(core, 100), std::nullopt);
  core = elf_core({noise(10)});
  core[offsetof(Elf64_Ehdr, e_type)] = std::byte{ET_EXEC};
  EXPECT_EQ(expected(core, 100), std::nullopt);
  core = elf_core({noise(10)});
  core[offsetof(Elf64_Ehdr, e_phoff)] = std::byte{8};
  EXPECT_EQ(expected(core, 100), std::nullopt) << "a table inside the header";
}

TEST(ElfExtent, SurvivesNumbersThatOverflow) {
  auto header = core_header<Elf64_Ehdr>(ELFCLASS64);
  header.e_phnum = 1;
  Bytes core;
  append(core, header);
  append(core, Elf64_Phdr{.p_type = PT_LOAD, .p_offset = ~0ULL - 4, .p_filesz = 4096});
  EXPECT_EQ(expected(core, 100), ~0ULL);
}

}  // namespace
}  // namespace upcall::core
