// SPDX-License-Identifier: Apache-2.0
// Cores as the kernel lays them out, made up: header, segment table, then the segments' bytes.
#pragma once

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace upcall::core {

using Bytes = std::vector<std::byte>;

template <class T>
void append(Bytes& out, const T& value) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

template <class Header>
Header core_header(unsigned char elf_class) {
  Header header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = elf_class;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_CORE;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  return header;
}

// A core with one segment for each element of `segments`, at page boundaries.
inline Bytes elf_core(const std::vector<Bytes>& segments) {
  auto header = core_header<Elf64_Ehdr>(ELFCLASS64);
  header.e_phnum = static_cast<std::uint16_t>(segments.size());
  Bytes core;
  append(core, header);
  std::uint64_t offset = 4096;
  for (const auto& segment : segments) {
    append(core, Elf64_Phdr{.p_type = PT_LOAD, .p_offset = offset, .p_filesz = segment.size()});
    offset += segment.size();
  }
  core.resize(4096);
  for (const auto& segment : segments) core.insert(core.end(), segment.begin(), segment.end());
  return core;
}

// Bytes that do not compress, the same in each run.
inline Bytes noise(std::size_t size) {
  std::mt19937_64 random{size};
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

// Pages of noise with the pages between them zero, as memory is.
inline Bytes speckled(std::size_t pages) {
  Bytes bytes(pages * 4096);
  const auto page = noise(4096);
  for (std::size_t i = 0; i < pages; i += 1 + i % 40)
    std::memcpy(&bytes[i * 4096], page.data(), 4096);
  return bytes;
}

}  // namespace upcall::core
