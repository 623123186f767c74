// SPDX-License-Identifier: Apache-2.0
#include "kernel/stat.h"

#include <vector>

#include "base/text.h"
#include "kernel/proc.h"
#include "kernel/read_file.h"

namespace upcall::kernel {
namespace {

// Numbers of the fields, as proc_pid_stat(5) counts them; the first after the name is 3.
constexpr std::size_t kState = 3;
constexpr std::size_t kFlags = 9;
constexpr std::size_t kStartTime = 22;
constexpr std::size_t kArgStart = 48;
constexpr std::size_t kExitCode = 52;

constexpr std::uint32_t kPfForknoexec = 0x40;
constexpr std::uint32_t kPfDumpcore = 0x200;  // include/linux/sched.h, the same since 2.6
constexpr std::uint32_t kPfKthread = 0x00200000;
constexpr int kSignalOfExitCode = 0x7f;

// The name, field 2, is the process's choice and may hold blanks and parentheses: what follows its
// end is counted.
std::vector<std::string_view> fields_from_state(std::string_view text) {
  std::vector<std::string_view> fields;
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return fields;
  text.remove_prefix(name_end + 1);
  for (auto word = take_word(text); !word.empty(); word = take_word(text)) fields.push_back(word);
  return fields;
}

template <class T>
std::optional<T> number_at(const std::vector<std::string_view>& fields, std::size_t field) {
  if (field - kState >= fields.size()) return {};
  return parse_integer<T>(fields[field - kState]);
}

Result<Stat> understand(const std::string& path, const Result<std::string>& text) {
  if (!text) return text.error();
  const auto stat = parse_stat(*text);
  if (!stat) return from_errno("understand '" + path + "'", EBADMSG);
  return *stat;
}

}  // namespace

std::optional<Stat> parse_stat(std::string_view text) {
  const auto fields = fields_from_state(text);
  const auto flags = number_at<std::uint32_t>(fields, kFlags);
  const auto start_time = number_at<std::uint64_t>(fields, kStartTime);
  const auto exit_code = number_at<int>(fields, kExitCode);
  const auto arguments = number_at<std::uint64_t>(fields, kArgStart);
  if (!flags || !start_time || !arguments || !exit_code) return {};
  return Stat{.dumping = (*flags & kPfDumpcore) != 0,
              .kernel_thread = (*flags & kPfKthread) != 0,
              .forked_only = (*flags & kPfForknoexec) != 0,
              .arguments = *arguments,
              .start_time = *start_time,
              .signal = *exit_code & kSignalOfExitCode};
}

Result<Stat> read_stat(const std::string& directory) {
  const std::string path = directory + "/stat";
  return understand(path, read_file(path));
}

Result<Stat> read_stat(int proc, const std::string& directory) {
  const std::string path = directory + "/stat";
  return understand("/proc/" + path, read_proc(proc, path));
}

}  // namespace upcall::kernel
