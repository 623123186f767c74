// SPDX-License-Identifier: Apache-2.0
#include "kernel/process_status.h"

#include <algorithm>

#include "base/text.h"
#include "kernel/read_file.h"

namespace upcall::kernel {
namespace {

// The lines of /proc/PID/limits, in the order of the RLIMIT_ numbers (fs/proc/base.c, lnames).
constexpr std::array<std::string_view, RLIM_NLIMITS> kLimitNames = {
    "Max cpu time",       "Max file size",     "Max data size",         "Max stack size",
    "Max core file size", "Max resident set",  "Max processes",         "Max open files",
    "Max locked memory",  "Max address space", "Max file locks",        "Max pending signals",
    "Max msgqueue size",  "Max nice priority", "Max realtime priority", "Max realtime timeout"};
constexpr std::size_t kLimitNameWidth = 26;
constexpr std::size_t kLimitWidth = 21;

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Collects fields by name, and remembers whether each was there and well-formed.
class StatusFields {
 public:
  explicit StatusFields(std::string_view text) : text_{text} {}

  template <class T>
  void number(std::string_view name, T& out, int base = 10) {
    auto rest = field(name);
    take_number(take_word(rest), out, base);
  }
  // Real, effective, saved and filesystem id, of which nobody needs the saved one.
  void ids(std::string_view name, uid_t& real, uid_t& effective, uid_t& filesystem) {
    auto rest = field(name);
    uid_t saved{};
    for (uid_t* out : {&real, &effective, &saved, &filesystem})
      take_number(take_word(rest), *out, 10);
  }
  void groups(std::vector<gid_t>& out) {
    auto rest = field("Groups");
    for (auto word = take_word(rest); !word.empty(); word = take_word(rest)) {
      take_number(word, out.emplace_back(), 10);
    }
  }
  void last_number(std::string_view name, pid_t& out) {
    auto rest = trim(field(name));
    const auto gap = rest.find_last_of(" \t");
    take_number(rest.substr(gap == std::string_view::npos ? 0 : gap + 1), out, 10);
  }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  [[nodiscard]] std::string_view field(std::string_view name) {
    std::string_view rest{text_};
    while (!rest.empty()) {
      auto line = take_until(rest, '\n');
      if (take_until(line, ':') == name) return line;
    }
    ok_ = false;
    return {};
  }
  template <class T>
  void take_number(std::string_view word, T& out, int base) {
    const auto value = parse_integer<T>(word, base);
    ok_ = ok_ && value.has_value();
    out = value.value_or(T{});
  }

  std::string_view text_;
  bool ok_{true};
};

std::optional<rlim_t> parse_limit(std::string_view text) {
  text = trim(text);
  if (text == "unlimited") return RLIM_INFINITY;
  return parse_integer<rlim_t>(text);
}

template <class T>
Result<T> parsed(std::optional<T> value, const std::string& path) {
  if (!value) return from_errno("understand '" + path + "'", EBADMSG);
  return *std::move(value);
}

}  // namespace

std::optional<ProcessStatus> parse_status(std::string_view text) {
  StatusFields fields{text};
  ProcessStatus status;
  int no_new_privileges = 0;
  int core_dumping = 0;
  fields.number("Tgid", status.tgid);
  fields.last_number("NSpid", status.inner_pid);
  fields.ids("Uid", status.real_uid, status.effective_uid, status.filesystem_uid);
  fields.ids("Gid", status.real_gid, status.effective_gid, status.filesystem_gid);
  fields.groups(status.groups);
  fields.number("CapPrm", status.permitted, 16);
  fields.number("CapEff", status.effective, 16);
  fields.number("CapBnd", status.bounding, 16);
  fields.number("NoNewPrivs", no_new_privileges);
  fields.number("Seccomp", status.seccomp_mode);
  fields.number("Seccomp_filters", status.seccomp_filters);
  fields.number("CoreDumping", core_dumping);
  if (!fields.ok()) return {};
  status.no_new_privileges = no_new_privileges != 0;
  status.core_dumping = core_dumping != 0;
  return status;
}

std::optional<pid_t> parse_thread_group(std::string_view text) {
  StatusFields fields{text};
  pid_t pid = 0;
  fields.number("Tgid", pid);
  return fields.ok() ? std::optional{pid} : std::nullopt;
}

std::optional<ResourceLimits> parse_limits(std::string_view text) {
  ResourceLimits limits{};
  static_cast<void>(take_until(text, '\n'));  // the heading
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const auto line = take_until(text, '\n');
    if (line.size() < kLimitNameWidth + kLimitWidth) return {};
    if (trim(line.substr(0, kLimitNameWidth)) != kLimitNames[i]) return {};
    const auto soft = parse_limit(line.substr(kLimitNameWidth, kLimitWidth));
    const auto hard = parse_limit(line.substr(kLimitNameWidth + kLimitWidth, kLimitWidth));
    if (!soft || !hard) return {};
    limits[i] = {.rlim_cur = *soft, .rlim_max = *hard};
  }
  return limits;
}

Result<ProcessStatus> read_status(const std::string& directory) {
  const std::string path = directory + "/status";
  const auto text = read_file(path);
  if (!text) return text.error();
  return parsed(parse_status(*text), path);
}

Result<ResourceLimits> read_limits(const std::string& directory) {
  const std::string path = directory + "/limits";
  const auto text = read_file(path);
  if (!text) return text.error();
  return parsed(parse_limits(*text), path);
}

}  // namespace upcall::kernel
