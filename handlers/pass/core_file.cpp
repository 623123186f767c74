// SPDX-License-Identifier: Apache-2.0
#include "pass/core_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/text.h"
#include "base/unique_fd.h"

namespace upcall::pass {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::uint64_t kLeastLimit = kPage;  // min_coredump of binfmt_elf
constexpr std::int64_t kDumpableByRoot = 2;

std::string naming(const std::string& name) { return "core file '" + printable(name) + "'"; }

// The file may already have been there, or its file system may not know our owner or mode.
Result<Ok> check_core_file(int fd, const std::string& name) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return from_errno("stat " + naming(name));
  const auto refuse = [&](const char* why) {
    return from_errno("use " + naming(name) + why, EPERM);
  };
  if (!S_ISREG(status.st_mode)) return refuse(", which is not a regular file");
  if (status.st_nlink != 1) return refuse(", which does not have just this name");
  if (status.st_uid != ::geteuid()) return refuse(", which did not become ours");
  if ((status.st_mode & 0677U) != 0600) return refuse(", which did not keep its permissions");
  return Ok{};
}

Result<UniqueFd> create_core_file(const std::string& name, const kernel::CoreFacts& facts) {
  // Unknown is the worse of the two.
  const bool only_for_root = facts.dumpable.value_or(kDumpableByRoot) == kDumpableByRoot;
  if (only_for_root && !name.starts_with('/')) {
    return from_errno(
        "write " + naming(name) + " of a process that only root may see: its path is not absolute",
        EPERM);
  }
  // With root's rights another user's core stays; otherwise a newer one replaces it, as a new file.
  if (!only_for_root) ::unlink(name.c_str());
  UniqueFd fd{::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!fd) return from_errno("create " + naming(name));
  if (const auto checked = check_core_file(fd.get(), name); !checked) return checked.error();
  return fd;
}

// Writes pages one after the other, those of zeroes as holes, up to a limit of bytes that are no
// hole.
class SparseFile {
 public:
  SparseFile(int fd, std::uint64_t limit) : fd_{fd}, left_{limit} {}

  // Whether there is room for more. All pages but the last are whole.
  Result<bool> append(std::span<const char> bytes) {
    while (!bytes.empty()) {
      const auto page = bytes.first(std::min(kPage, bytes.size()));
      bytes = bytes.subspan(page.size());
      if (std::ranges::all_of(page, [](char c) { return c == 0; })) {
        at_ += page.size();
        continue;
      }
      if (page.size() > left_) return false;
      if (auto written = write_at(page, at_); !written) return written.error();
      left_ -= page.size();
      at_ += page.size();
      end_ = at_;
    }
    return true;
  }

  // A hole at the end has no size until something stands behind it.
  Result<Ok> finish() {
    if (end_ == at_ || left_ == 0) return Ok{};
    constexpr std::array<char, 1> kZero{};
    return write_at(kZero, at_ - 1);
  }

 private:
  Result<Ok> write_at(std::span<const char> bytes, std::uint64_t offset) const {
    while (!bytes.empty()) {
      const ssize_t size = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return from_errno("write a core file");
      bytes = bytes.subspan(static_cast<std::size_t>(size));
      offset += static_cast<std::uint64_t>(size);
    }
    return Ok{};
  }

  int fd_;
  std::uint64_t left_;
  std::uint64_t at_{0};
  std::uint64_t end_{0};
};

// As many bytes as fit into the buffer; fewer only at the end of the stream.
Result<std::size_t> fill(int stream, std::span<char> buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const ssize_t size = ::read(stream, buffer.data() + filled, buffer.size() - filled);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return from_errno("read the core");
    if (size == 0) break;
    filled += static_cast<std::size_t>(size);
  }
  return filled;
}

Result<Ok> copy_core(int stream, SparseFile& file) {
  static std::array<char, 64 * kPage> buffer;
  for (;;) {
    const auto size = fill(stream, buffer);
    if (!size) return size.error();
    const auto more = file.append(std::span{buffer}.first(*size));
    if (!more) return more.error();
    if (!*more) return Ok{};  // cut at the limit, as by the kernel
    if (*size < buffer.size()) return file.finish();
  }
}

}  // namespace

Result<Ok> write_core_file(const Request& request, int stream) {
  const std::uint64_t limit = request.facts.core_limit.value_or(0);
  if (limit < kLeastLimit) return Ok{};
  const auto name = kernel::expand_core_file(request.pattern, request.facts, request.uses_pid);
  const auto fd = create_core_file(name, request.facts);
  if (!fd) return fd.error();
  SparseFile file{fd->get(), limit};
  return copy_core(stream, file);
}

}  // namespace upcall::pass
