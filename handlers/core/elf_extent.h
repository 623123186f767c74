// SPDX-License-Identifier: Apache-2.0
// How long a core has to be, read from its own headers as they pass. A dump that was cut short (the
// cgroup was frozen, the process killed meanwhile) ends as cleanly as a whole one: only this tells.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace upcall::core {

class ElfExtent {
 public:
  // The stream's next bytes, from its first on.
  void feed(std::span<const std::byte> bytes);

  // The length that the headers seen so far promise; nothing when this is no ELF core of our byte
  // order or its headers are not all here.
  [[nodiscard]] std::optional<std::uint64_t> expected() const;

 private:
  enum class State : std::uint8_t { identification, header, segments, known, foreign };

  void want(State state, std::uint64_t offset, std::size_t size);
  void parse();
  void parse_identification();
  template <class Header, class Segment>
  void parse_header();
  template <class Segment>
  void parse_segment();
  void promise(std::uint64_t offset, std::uint64_t size);

  State state_{State::identification};
  bool wide_{true};                   // ELFCLASS64
  std::uint64_t position_{0};         // of the stream
  std::uint64_t item_offset_{0};      // where the structure that we wait for begins,
  std::size_t item_size_{EI_NIDENT};  // how long it is,
  std::vector<std::byte> item_;       // and what we have of it
  std::uint64_t segments_left_{0};
  std::uint64_t end_{0};
};

}  // namespace upcall::core
