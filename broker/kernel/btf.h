// SPDX-License-Identifier: Apache-2.0
// What the running kernel says of its own types (BTF): where in a struct a member is, on this
// build of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace upcall::kernel {

class Btf {
 public:
  // EBADMSG for bytes that are no BTF.
  [[nodiscard]] static Result<Btf> parse(std::vector<std::byte> bytes);
  // ENOENT on a kernel that was built without.
  [[nodiscard]] static Result<Btf> read_kernel();

  // The number of a function, as programs for the kernel name it.
  [[nodiscard]] std::optional<std::uint32_t> find_function(std::string_view name) const;
  // In bytes from the struct's start; members of anonymous structs within it are its own.
  [[nodiscard]] std::optional<std::uint32_t> offset_of(std::string_view structure,
                                                       std::string_view member) const;

 private:
  // A struct, or an anonymous one within it.
  struct Part {
    std::uint32_t type{};
    std::uint32_t offset{};  // from the start of the whole
  };

  explicit Btf(std::vector<std::byte> bytes) : bytes_{std::move(bytes)} {}
  [[nodiscard]] bool find_sections();
  [[nodiscard]] bool find_types();
  [[nodiscard]] std::string_view name_at(std::uint32_t offset) const;
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint32_t kind, std::string_view name) const;
  // Leaves in `more` the anonymous structs that it has come by.
  [[nodiscard]] std::optional<std::uint32_t> offset_in(Part part, std::string_view member,
                                                       std::vector<Part>& more) const;

  std::vector<std::byte> bytes_;
  std::span<const std::byte> types_;
  std::span<const std::byte> names_;
  std::vector<std::uint32_t> starts_;  // in types_, by a type's number less one
};

}  // namespace upcall::kernel
