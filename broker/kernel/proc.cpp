// SPDX-License-Identifier: Apache-2.0
#include "kernel/proc.h"

#include <dirent.h>
#include <fcntl.h>

#include <array>
#include <csignal>
#include <memory>

#include "base/text.h"
#include "base/unique_fd.h"
#include "kernel/stat.h"

namespace upcall::kernel {
namespace {

constexpr std::size_t kLargestFile = std::size_t{64} * 1024;

// What follows `key` on the line that starts with it.
std::optional<std::string_view> line_after(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const auto line = take_until(text, '\n');
    if (line.starts_with(key)) return line.substr(key.size());
  }
  return {};
}

template <class T>
std::optional<T> first_number(std::string_view line) {
  return parse_integer<T>(take_word(line));
}

bool is_dumping(int proc, pid_t pid, std::string_view tid) {
  const auto stat = read_stat(proc, std::to_string(pid) + "/task/" + std::string{tid});
  return stat && stat->dumping;
}

}  // namespace

Result<std::string> read_proc(int proc, const std::string& path) {
  const UniqueFd file{::openat(proc, path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!file) return from_errno("open '/proc/" + path + "'");
  std::string text;
  std::array<char, 4096> buffer{};
  while (text.size() < kLargestFile) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0) return from_errno("read '/proc/" + path + "'");
    if (n == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

Result<pid_t> find_dumping_thread(int proc, pid_t pid) {
  if (is_dumping(proc, pid, std::to_string(pid))) return pid;
  const std::string path = std::to_string(pid) + "/task";
  UniqueFd task{::openat(proc, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!task) return from_errno("open '/proc/" + path + "'");
  const auto close = [](DIR* directory) { ::closedir(directory); };
  const std::unique_ptr<DIR, decltype(close)> directory{::fdopendir(task.get()), close};
  if (!directory) return from_errno("list '/proc/" + path + "'");
  (void)task.release();  // the directory stream owns it now
  while (const dirent* entry = ::readdir(directory.get())) {
    const auto tid = parse_integer<pid_t>(entry->d_name);
    if (tid && is_dumping(proc, pid, entry->d_name)) return *tid;
  }
  return from_errno("find the thread of process " + std::to_string(pid) + " that dumps core",
                    ESRCH);
}

std::vector<pid_t> parse_namespace_pids(std::string_view status) {
  std::vector<pid_t> pids;
  auto line = line_after(status, "NSpid:").value_or("");
  for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
    const auto pid = parse_integer<pid_t>(word);
    if (!pid) return {};
    pids.push_back(*pid);
  }
  return pids;
}

std::optional<RealIds> parse_real_ids(std::string_view status) {
  const auto uid = first_number<uid_t>(line_after(status, "Uid:").value_or(""));
  const auto gid = first_number<gid_t>(line_after(status, "Gid:").value_or(""));
  if (!uid || !gid) return {};
  return RealIds{.uid = *uid, .gid = *gid};
}

std::optional<pid_t> parse_parent(std::string_view status) {
  return first_number<pid_t>(line_after(status, "PPid:").value_or(""));
}

bool parse_killed(std::string_view status) {
  constexpr std::uint64_t kKill = std::uint64_t{1} << (SIGKILL - 1U);
  const auto has = [&](std::string_view key) {
    auto line = line_after(status, key).value_or("");
    return (parse_integer<std::uint64_t>(take_word(line), 16).value_or(0) & kKill) != 0;
  };
  return has("SigPnd:") || has("ShdPnd:");
}

std::string parse_unified_cgroup(std::string_view cgroup) {
  return std::string{line_after(cgroup, "0::").value_or("")};
}

std::string read_unified_cgroup(int proc, const std::string& directory) {
  const auto cgroup = read_proc(proc, directory + "/cgroup");
  return cgroup ? parse_unified_cgroup(*cgroup) : std::string{};
}

std::optional<std::uint64_t> parse_core_limit(std::string_view limits) {
  auto line = line_after(limits, "Max core file size").value_or("");
  const auto word = take_word(line);
  if (word == "unlimited") return UINT64_MAX;
  return parse_integer<std::uint64_t>(word);
}

std::vector<IdRange> parse_id_map(std::string_view map) {
  std::vector<IdRange> ranges;
  while (!map.empty()) {
    auto line = take_until(map, '\n');
    const auto inner = parse_integer<std::uint32_t>(take_word(line));
    const auto outer = parse_integer<std::uint32_t>(take_word(line));
    const auto count = parse_integer<std::uint32_t>(take_word(line));
    if (inner && outer && count)
      ranges.push_back({.inner = *inner, .outer = *outer, .count = *count});
  }
  return ranges;
}

std::optional<std::uint32_t> to_inner(const std::vector<IdRange>& map, std::uint32_t outer) {
  for (const auto& range : map) {
    if (outer >= range.outer && outer - range.outer < range.count) {
      return range.inner + (outer - range.outer);
    }
  }
  return {};
}

}  // namespace upcall::kernel
