// SPDX-License-Identifier: Apache-2.0
#include "kernel/core_pattern.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/unique_fd.h"

namespace upcall::kernel {
namespace {

std::string quoted(std::string_view text) { return "'" + printable(text) + "'"; }

// A sysctl is read in one piece; the kernel ends it with a newline of its own.
Result<std::string> read_sysctl(const std::string& path) {
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return from_errno("open " + quoted(path));
  std::array<char, 1024> buffer{};
  const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
  if (size < 0) return from_errno("read " + quoted(path));
  std::string text{buffer.data(), static_cast<std::size_t>(size)};
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<unsigned> read_number(const std::string& path) {
  const auto text = read_sysctl(path);
  if (!text) return text.error();
  const auto number = parse_integer<unsigned>(*text);
  if (!number) return from_errno("read a number from " + quoted(path), EINVAL);
  return *number;
}

Result<Ok> write_sysctl(const std::string& path, std::string_view value) {
  const UniqueFd fd{::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC)};
  if (!fd) return from_errno("open " + quoted(path));
  // One call: the kernel takes each write for a whole new value.
  const ssize_t written = ::write(fd.get(), value.data(), value.size());
  if (written < 0) return from_errno("write " + quoted(value) + " to " + quoted(path));
  const auto now = read_sysctl(path);
  if (!now) return now.error();
  if (*now != value) {
    return from_errno("set " + quoted(path) + " to " + quoted(value) + ": it reads " + quoted(*now),
                      EINVAL);
  }
  return Ok{};
}

bool has_blank(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c <= ' ' || c == 0x7f; });
}

bool has_parent_reference(std::string_view path) {
  while (!path.empty()) {
    if (take_until(path, '/') == "..") return true;
  }
  return false;
}

Result<Ok> check_no_symlink(const std::string& path) {
  const open_how how{.flags = O_PATH | O_CLOEXEC, .mode = 0, .resolve = RESOLVE_NO_SYMLINKS};
  const UniqueFd fd{
      static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how))};
  if (!fd)
    return from_errno("use " + quoted(path) + ", which the kernel must reach without a symlink");
  return Ok{};
}

// The socket itself may still be missing, its folder may not.
Result<Ok> check_reachable(const std::string& socket_path) {
  auto checked = check_no_symlink(socket_path);
  if (checked || checked.error().code != std::errc::no_such_file_or_directory) return checked;
  return check_no_symlink(socket_path.substr(0, socket_path.rfind('/') + 1));
}

// What both of our patterns ask of a path that the kernel is to take out of them.
Result<Ok> check_path(const std::string& what, const std::string& path) {
  const auto refuse = [&](const char* why) {
    return from_errno("use " + quoted(path) + " as " + what + ", which " + why, EINVAL);
  };
  if (!path.starts_with('/')) return refuse("must be an absolute path");
  if (has_blank(path)) return refuse("must not hold blanks");
  if (has_parent_reference(path)) return refuse("must not hold '..'");
  return Ok{};
}

Result<Ok> check_socket_path(const std::string& path) {
  const std::string what = "the core dump socket";
  if (auto checked = check_path(what, path); !checked) return checked;
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return from_errno("use " + quoted(path) + " as " + what + ": 107 bytes are the most",
                      ENAMETOOLONG);
  }
  return check_reachable(path);
}

}  // namespace

CorePatternKind core_pattern_kind(std::string_view pattern) {
  if (pattern.starts_with('|')) return CorePatternKind::program;
  if (pattern.starts_with("@@")) return CorePatternKind::request_socket;
  if (pattern.starts_with('@')) return CorePatternKind::stream_socket;
  return CorePatternKind::file;
}

Result<CoreSettings> read_core_settings(const std::string& folder) {
  auto pattern = read_sysctl(folder + "/core_pattern");
  if (!pattern) return pattern.error();
  auto pipe_limit = read_number(folder + "/core_pipe_limit");
  if (!pipe_limit) return pipe_limit.error();
  auto uses_pid = read_number(folder + "/core_uses_pid");
  if (!uses_pid) return uses_pid.error();
  return CoreSettings{
      .pattern = *std::move(pattern), .pipe_limit = *pipe_limit, .uses_pid = *uses_pid != 0};
}

Result<Ok> write_core_settings(const CoreSettings& settings, const std::string& folder) {
  auto uses_pid = write_sysctl(folder + "/core_uses_pid", settings.uses_pid ? "1" : "0");
  if (!uses_pid) return uses_pid;
  auto pipe_limit = write_core_pipe_limit(settings.pipe_limit, folder);
  if (!pipe_limit) return pipe_limit;
  return write_core_pattern(settings.pattern, folder);
}

Result<Ok> write_core_pattern(std::string_view pattern, const std::string& folder) {
  if (pattern.size() > kMaxCorePattern) {
    return from_errno("set a core_pattern of more than 127 bytes: " + quoted(pattern),
                      ENAMETOOLONG);
  }
  return write_sysctl(folder + "/core_pattern", pattern);
}

Result<Ok> write_core_pipe_limit(unsigned limit, const std::string& folder) {
  return write_sysctl(folder + "/core_pipe_limit", std::to_string(limit));
}

Result<std::vector<std::string>> read_core_modes(const std::string& folder) {
  const auto text = read_sysctl(folder + "/core_modes");
  std::vector<std::string> modes;
  if (!text) {
    if (text.error().code == std::errc::no_such_file_or_directory) return modes;
    return text.error();
  }
  for (std::string_view rest = *text; !rest.empty();) modes.emplace_back(take_until(rest, '\n'));
  return modes;
}

Result<std::string> socket_core_pattern(const std::string& socket_path) {
  if (auto checked = check_socket_path(socket_path); !checked) return checked.error();
  return "@@" + socket_path;
}

Result<std::string> shim_core_pattern(const std::string& shim_path,
                                      const std::string& socket_path) {
  if (auto checked = check_path("the core dump helper", shim_path); !checked)
    return checked.error();
  if (auto checked = check_socket_path(socket_path); !checked) return checked.error();
  if ((shim_path + socket_path).find('%') != std::string::npos) {
    return from_errno("use a path with '%' in core_pattern", EINVAL);
  }
  // Every value has its name, so that one which the kernel does not know is absent and shifts
  // nothing.
  auto pattern = "|" + shim_path + " core " + socket_path + " P=%P I=%I s=%s d=%d F=%F";
  if (pattern.size() > kMaxCorePattern) {
    return from_errno(
        "fit the paths of upcall-shim and its socket into the 127 bytes of core_pattern, it "
        "takes " +
            std::to_string(pattern.size()) + ": " + quoted(pattern),
        ENAMETOOLONG);
  }
  return pattern;
}

}  // namespace upcall::kernel
