// SPDX-License-Identifier: Apache-2.0
#include "daemon/registration.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <optional>

#include "base/replace_file.h"
#include "base/text.h"
#include "base/unique_fd.h"

namespace upcall::daemon {
namespace {

// The file's lines: the pattern that we registered, then what was there before.
struct Saved {
  std::string ours;
  kernel::CoreSettings previous;
};

std::string to_text(const Saved& saved) {
  return saved.ours + "\n" + saved.previous.pattern + "\n" +
         std::to_string(saved.previous.pipe_limit) + "\n" + (saved.previous.uses_pid ? "1" : "0") +
         "\n";
}

std::optional<Saved> parse_saved(std::string_view text) {
  Saved saved;
  saved.ours = take_until(text, '\n');
  saved.previous.pattern = take_until(text, '\n');
  const auto limit = parse_integer<unsigned>(take_until(text, '\n'));
  const auto uses_pid = parse_integer<int>(take_until(text, '\n'));
  if (saved.ours.empty() || !limit || !uses_pid) return {};
  saved.previous.pipe_limit = *limit;
  saved.previous.uses_pid = *uses_pid != 0;
  return saved;
}

std::optional<Saved> read_saved(const std::string& file) {
  const UniqueFd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!fd) return {};
  std::array<char, 1024> buffer{};
  const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
  return n > 0 ? parse_saved({buffer.data(), static_cast<std::size_t>(n)}) : std::nullopt;
}

}  // namespace

Result<Registration> Registration::begin(const std::string& state_directory,
                                         const std::string& socket_path) {
  auto now = kernel::read_core_settings();
  if (!now) return now.error();
  const auto file = state_directory + "/core_pattern.previous";
  const auto saved = read_saved(file);
  if (saved && saved->ours == now->pattern) {
    return Registration{file, saved->previous,
                        false};  // a predecessor that had no chance to clean up
  }
  if (now->pattern == "@@" + socket_path) {
    // Registered for us before we were started, as a socket unit may do: the kernel's own default
    // is all that can have been before.
    now->pattern = "core";
    return Registration{file, *std::move(now), true};
  }
  return Registration{file, *std::move(now), false};
}

Result<Ok> Registration::take_over(const std::string& pattern, unsigned pipe_limit) {
  if (!keep_) {
    const auto text = to_text({.ours = pattern, .previous = previous_});
    // Before the kernel's setting changes.
    if (auto saved = replace_file(file_, text, 0600); !saved) return saved;
  }
  ours_ = pattern;
  our_pipe_limit_ = pipe_limit;
  registered_ = true;
  if (auto written = kernel::write_core_pipe_limit(pipe_limit); !written) return written;
  return kernel::write_core_pattern(pattern);
}

Result<Ok> Registration::restore() {
  if (!std::exchange(registered_, false)) return Ok{};
  if (keep_) return Ok{};
  const auto now = kernel::read_core_settings();
  if (!now) return now.error();
  if (now->pattern == ours_) {
    if (auto written = kernel::write_core_settings(previous_); !written) return written;
  } else if (now->pipe_limit == our_pipe_limit_) {
    // Another program has the pattern, or we never had it; this is still ours to put back.
    auto written = kernel::write_core_pipe_limit(previous_.pipe_limit);
    if (!written) return written;
  }
  (void)::unlink(file_.c_str());
  return Ok{};
}

Result<std::string> Registration::taken_by() const {
  const auto now = kernel::read_core_settings();
  if (!now) return now.error();
  return now->pattern == ours_ ? std::string{} : now->pattern;
}

}  // namespace upcall::daemon
