// SPDX-License-Identifier: Apache-2.0
#include "kernel/btf.h"

#include <fcntl.h>
#include <linux/btf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "base/unique_fd.h"

namespace upcall::kernel {
namespace {

constexpr const char* kKernelTypes = "/sys/kernel/btf/vmlinux";
constexpr off_t kLargest = off_t{64} << 20U;
constexpr std::uint32_t kBitsOfByte = 8;
constexpr std::size_t kMostParts = 256;

template <class T>
std::optional<T> read_at(std::span<const std::byte> bytes, std::size_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return {};
  T value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::optional<std::span<const std::byte>> section(std::span<const std::byte> bytes,
                                                  std::size_t offset, std::size_t size) {
  if (offset > bytes.size() || bytes.size() - offset < size) return {};
  return bytes.subspan(offset, size);
}

// What follows a type's head. Nothing for a kind that is not known, whose end nobody knows.
std::optional<std::size_t> size_of_rest(const btf_type& type) {
  const std::size_t count = BTF_INFO_VLEN(type.info);
  switch (BTF_INFO_KIND(type.info)) {
    case BTF_KIND_PTR:
    case BTF_KIND_FWD:
    case BTF_KIND_TYPEDEF:
    case BTF_KIND_VOLATILE:
    case BTF_KIND_CONST:
    case BTF_KIND_RESTRICT:
    case BTF_KIND_FUNC:
    case BTF_KIND_FLOAT:
    case BTF_KIND_TYPE_TAG:
      return 0;
    case BTF_KIND_INT:
      return sizeof(std::uint32_t);
    case BTF_KIND_VAR:
      return sizeof(btf_var);
    case BTF_KIND_DECL_TAG:
      return sizeof(btf_decl_tag);
    case BTF_KIND_ARRAY:
      return sizeof(btf_array);
    case BTF_KIND_ENUM:
      return count * sizeof(btf_enum);
    case BTF_KIND_ENUM64:
      return count * sizeof(btf_enum64);
    case BTF_KIND_FUNC_PROTO:
      return count * sizeof(btf_param);
    case BTF_KIND_DATASEC:
      return count * sizeof(btf_var_secinfo);
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
      return count * sizeof(btf_member);
    default:
      return {};
  }
}

bool is_struct(const btf_type& type) {
  const auto kind = BTF_INFO_KIND(type.info);
  return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

}  // namespace

Result<Btf> Btf::read_kernel() {
  const UniqueFd fd{::open(kKernelTypes, O_RDONLY | O_CLOEXEC)};
  if (!fd) return from_errno("read the kernel's types");
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return from_errno("read the kernel's types");
  if (status.st_size > kLargest) return from_errno("read the kernel's types", EFBIG);
  std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
  for (std::size_t size = 0; size < bytes.size();) {
    const ssize_t n = ::read(fd.get(), bytes.data() + size, bytes.size() - size);
    if (n <= 0) return from_errno("read the kernel's types", n == 0 ? EBADMSG : errno);
    size += static_cast<std::size_t>(n);
  }
  return parse(std::move(bytes));
}

Result<Btf> Btf::parse(std::vector<std::byte> bytes) {
  Btf btf{std::move(bytes)};
  if (!btf.find_sections() || !btf.find_types())
    return from_errno("understand the kernel's types", EBADMSG);
  return btf;
}

bool Btf::find_sections() {
  const auto head = read_at<btf_header>(bytes_, 0);
  if (!head || head->magic != BTF_MAGIC || head->version != BTF_VERSION) return false;
  const std::span<const std::byte> all{bytes_};
  const auto types = section(all, std::size_t{head->hdr_len} + head->type_off, head->type_len);
  const auto names = section(all, std::size_t{head->hdr_len} + head->str_off, head->str_len);
  if (!types || !names || names->empty() || names->back() != std::byte{}) return false;
  types_ = *types;
  names_ = *names;
  return true;
}

bool Btf::find_types() {
  for (std::size_t at = 0; at < types_.size();) {
    starts_.push_back(static_cast<std::uint32_t>(at));
    const auto type = read_at<btf_type>(types_, at);
    const auto rest = type ? size_of_rest(*type) : std::nullopt;
    if (!rest || *rest > types_.size() - at - sizeof *type) return false;
    at += sizeof *type + *rest;
  }
  return true;
}

std::string_view Btf::name_at(std::uint32_t offset) const {
  if (offset >= names_.size()) return {};
  return reinterpret_cast<const char*>(names_.data() + offset);
}

std::optional<std::uint32_t> Btf::find(std::uint32_t kind, std::string_view name) const {
  for (std::size_t i = 0; i < starts_.size(); ++i) {
    const auto type = read_at<btf_type>(types_, starts_[i]);
    if (type && BTF_INFO_KIND(type->info) == kind && name_at(type->name_off) == name)
      return static_cast<std::uint32_t>(i + 1);
  }
  return {};
}

std::optional<std::uint32_t> Btf::find_function(std::string_view name) const {
  return find(BTF_KIND_FUNC, name);
}

std::optional<std::uint32_t> Btf::offset_of(std::string_view structure,
                                            std::string_view member) const {
  const auto type = find(BTF_KIND_STRUCT, structure);
  if (!type) return {};
  std::vector<Part> parts{{.type = *type}};
  for (std::size_t i = 0; i < parts.size() && i < kMostParts; ++i) {
    if (const auto found = offset_in(parts[i], member, parts)) return found;
  }
  return {};
}

std::optional<std::uint32_t> Btf::offset_in(Part part, std::string_view member,
                                            std::vector<Part>& more) const {
  if (part.type == 0 || part.type > starts_.size()) return {};
  std::size_t at = starts_[part.type - 1];
  const auto head = read_at<btf_type>(types_, at);
  if (!head || !is_struct(*head)) return {};
  const bool has_bit_fields = BTF_INFO_KFLAG(head->info) != 0;
  at += sizeof(btf_type);
  for (std::size_t i = 0; i < BTF_INFO_VLEN(head->info); ++i, at += sizeof(btf_member)) {
    const auto one = read_at<btf_member>(types_, at);
    if (!one) return {};
    const auto bits = has_bit_fields ? BTF_MEMBER_BIT_OFFSET(one->offset) : one->offset;
    const auto offset = part.offset + (bits / kBitsOfByte);
    const auto name = name_at(one->name_off);
    if (name == member) return offset;
    if (name.empty()) more.push_back({.type = one->type, .offset = offset});
  }
  return {};
}

}  // namespace upcall::kernel
