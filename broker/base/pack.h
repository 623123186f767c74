// SPDX-License-Identifier: Apache-2.0
// Values as bytes and back, for tables that one program of ours hands to another in a sealed memfd
// (same machine, same build: native byte order, no versions but the one at the head of each table).
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace upcall {

class Packer {
 public:
  template <class T>
  requires(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>) void put(const T& value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof value);
  }
  void put_text(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    bytes_.insert(bytes_.end(), bytes, bytes + text.size());
  }
  template <class List, class PutOne>
  void put_list(const List& list, PutOne put_one) {
    put(static_cast<std::uint32_t>(list.size()));
    for (const auto& item : list) put_one(item);
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

// Reads what a Packer wrote. After any short read everything reads as empty and `ok()` is false, so
// that a reader checks once, at its end.
class Unpacker {
 public:
  explicit Unpacker(std::span<const std::byte> bytes) : rest_{bytes} {}

  template <class T>
  requires(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>) [[nodiscard]] T get() {
    T value{};
    const auto taken = take(sizeof value);
    if (taken.size() == sizeof value) std::memcpy(&value, taken.data(), sizeof value);
    return value;
  }
  [[nodiscard]] std::string get_text() {
    const auto taken = take(get<std::uint32_t>());
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  template <class GetOne>
  [[nodiscard]] auto get_list(GetOne get_one) {
    std::vector<decltype(get_one())> list;
    const auto count = get<std::uint32_t>();
    for (std::uint32_t i = 0; i < count && ok_; ++i) list.push_back(get_one());
    return list;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool finished() const { return ok_ && rest_.empty(); }

 private:
  [[nodiscard]] std::span<const std::byte> take(std::size_t size) {
    if (size > rest_.size()) ok_ = false;
    if (!ok_) return {};
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  std::span<const std::byte> rest_;
  bool ok_{true};
};

}  // namespace upcall
