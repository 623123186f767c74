// SPDX-License-Identifier: Apache-2.0
#include "core/elf_extent.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

namespace upcall::core {
namespace {

constexpr unsigned char kOurByteOrder =
    std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;

template <class T>
T as(const std::vector<std::byte>& item) {
  T value{};
  std::memcpy(&value, item.data(), sizeof value);
  return value;
}

}  // namespace

void ElfExtent::feed(std::span<const std::byte> bytes) {
  const std::uint64_t start = position_;
  position_ += bytes.size();
  while (state_ != State::known && state_ != State::foreign) {
    const std::uint64_t missing_from = item_offset_ + item_.size();
    if (missing_from < start) state_ = State::foreign;  // headers that point backwards: not a dump
    if (missing_from < start || missing_from >= position_) return;
    const auto available = bytes.subspan(static_cast<std::size_t>(missing_from - start));
    const auto taken = available.first(std::min(available.size(), item_size_ - item_.size()));
    item_.insert(item_.end(), taken.begin(), taken.end());
    if (item_.size() < item_size_) return;
    parse();
  }
}

std::optional<std::uint64_t> ElfExtent::expected() const {
  if (state_ == State::foreign) return {};
  if (state_ == State::known) return end_;
  return std::max(end_, item_offset_ + item_size_);
}

// Asks for the next structure. The bytes that are already here are kept when they are its
// beginning.
void ElfExtent::want(State state, std::uint64_t offset, std::size_t size) {
  if (offset != item_offset_) item_.clear();
  state_ = state;
  item_offset_ = offset;
  item_size_ = size;
}

void ElfExtent::parse() {
  switch (state_) {
    case State::identification:
      return parse_identification();
    case State::header:
      return wide_ ? parse_header<Elf64_Ehdr, Elf64_Phdr>()
                   : parse_header<Elf32_Ehdr, Elf32_Phdr>();
    case State::segments:
      return wide_ ? parse_segment<Elf64_Phdr>() : parse_segment<Elf32_Phdr>();
    case State::known:
    case State::foreign:
      return;
  }
}

void ElfExtent::parse_identification() {
  const auto ident = as<std::array<unsigned char, EI_NIDENT>>(item_);
  const bool elf = std::memcmp(ident.data(), ELFMAG, SELFMAG) == 0;
  const bool known_class = ident[EI_CLASS] == ELFCLASS64 || ident[EI_CLASS] == ELFCLASS32;
  wide_ = ident[EI_CLASS] == ELFCLASS64;
  if (!elf || !known_class || ident[EI_DATA] != kOurByteOrder) {
    state_ = State::foreign;
  } else {
    want(State::header, 0, wide_ ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
  }
}

template <class Header, class Segment>
void ElfExtent::parse_header() {
  const auto header = as<Header>(item_);
  if (header.e_type != ET_CORE || header.e_phentsize != sizeof(Segment) ||
      header.e_phoff < sizeof header) {
    state_ = State::foreign;
    return;
  }
  promise(header.e_phoff, 0);
  if (header.e_shoff != 0) {
    promise(header.e_shoff, std::uint64_t{header.e_shnum} * header.e_shentsize);
  }
  if (header.e_phnum == PN_XNUM) {
    // Too many segments for the header: their number is sh_info of section 0. The kernel sends that
    // section's header last of all, so its end, promised above, is the end of the core.
    state_ = header.e_shoff != 0 && header.e_shnum != 0 ? State::known : State::foreign;
    return;
  }
  segments_left_ = header.e_phnum;
  want(segments_left_ == 0 ? State::known : State::segments, header.e_phoff, sizeof(Segment));
}

template <class Segment>
void ElfExtent::parse_segment() {
  const auto segment = as<Segment>(item_);
  promise(segment.p_offset, segment.p_filesz);
  promise(item_offset_, sizeof(Segment));
  --segments_left_;
  want(segments_left_ == 0 ? State::known : State::segments, item_offset_ + sizeof(Segment),
       sizeof(Segment));
}

// The numbers are the crashed process's at worst: an overflow is a promise that nothing can keep.
void ElfExtent::promise(std::uint64_t offset, std::uint64_t size) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  end_ = std::max(end_, size > kMost - offset ? kMost : offset + size);
}

}  // namespace upcall::core
