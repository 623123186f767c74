// SPDX-License-Identifier: Apache-2.0
#include "daemon/helper_registration.h"

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "base/replace_file.h"
#include "base/text.h"
#include "kernel/read_file.h"
#include "wire/supervisor.h"

namespace upcall::daemon {
namespace {

// Of a #! line, whose interpreter ends at the first blank (BINPRM_BUF_SIZE).
constexpr std::size_t kLine = 255;
constexpr std::string_view kAgent = "release-agent";
constexpr std::string_view kSaved = ".previous";

// Nothing where there is none.
Result<std::optional<std::string>> read_setting(const std::string& file) {
  const auto text = kernel::read_file(file);
  if (!text && text.error().code == std::errc::no_such_file_or_directory)
    return std::optional<std::string>{};
  if (!text) return text.error();
  std::string_view rest{*text};
  return std::optional{std::string{take_until(rest, '\n')}};
}

// What must outlive us, while a setting is ours.
struct Saved {
  std::string previous;
  std::string file;  // which setting it is of
};

Result<Saved> read_saved(const std::string& path) {
  const auto text = kernel::read_file(path);
  if (!text) return text.error();
  std::string_view rest{*text};
  Saved saved{.previous = std::string{take_until(rest, '\n')}};
  saved.file = rest.substr(0, rest.rfind('\n'));
  return saved;
}

// No two paths have one name, and none has a dot, by which the names of other files go on.
std::string name_of(std::string_view path) {
  std::string name;
  for (const char c : path) {
    switch (c) {
      case '/':
        name += '@';
        break;
      case '@':
        name += "%40";
        break;
      case '.':
        name += "%2E";
        break;
      case '%':
        name += "%25";
        break;
      default:
        name += c;
    }
  }
  return name;
}

}  // namespace

Result<std::string> line_for(const HelperRegistration::Shim& shim, const std::string& role,
                             const std::string& stock) {
  std::string line = "#!" + shim.program + " " + role + "=" + shim.socket;
  if (!stock.empty()) line += ",stock=" + stock;
  if (shim.absent_denies) line += ",absent=deny";
  const bool plain = shim.program.find_first_of(" \t\n") == std::string::npos &&
                     (shim.socket + stock).find_first_of(",\n") == std::string::npos;
  if (!plain) return from_errno("name upcall-shim and its socket in a #! line", EINVAL);
  if (line.size() >= kLine) return from_errno("write so long a #! line", ENAMETOOLONG);
  return line + "\n";
}

HelperSetting module_setting(const std::string& state_directory) {
  return {.file = "/proc/sys/kernel/modprobe",
          .role = "modprobe",
          .script = state_directory + "/modprobe",
          .usual = "/sbin/modprobe"};
}

HelperSetting release_agent_setting(const std::string& state_directory,
                                    const std::string& mount_point) {
  return {.file = mount_point + "/release_agent",
          .role = std::string{kAgent},
          .script = state_directory + "/" + std::string{kAgent} + name_of(mount_point)};
}

std::vector<HelperSetting> saved_release_agents(const std::string& state_directory) {
  std::vector<HelperSetting> agents;
  for (const auto& entry : std::filesystem::directory_iterator{state_directory}) {
    const auto path = entry.path().string();
    if (!entry.path().filename().string().starts_with(kAgent) || !path.ends_with(kSaved)) continue;
    const auto saved = read_saved(path);
    if (!saved || saved->file.empty()) continue;
    agents.push_back({.file = saved->file,
                      .role = std::string{kAgent},
                      .script = path.substr(0, path.size() - kSaved.size())});
  }
  return agents;
}

HelperRegistration::HelperRegistration(HelperSetting setting, std::optional<std::string> previous)
    : setting_{std::move(setting)},
      saved_{setting_.script + std::string{kSaved}},
      previous_{std::move(previous)} {}

Result<HelperRegistration> HelperRegistration::begin(HelperSetting setting) {
  auto now = read_setting(setting.file);
  if (!now) return now.error();
  HelperRegistration registration{std::move(setting), *std::move(now)};
  if (registration.previous_ != registration.setting_.script) return registration;
  // A predecessor had no chance to clean up.
  const auto saved = read_saved(registration.saved_);
  registration.previous_ = saved ? saved->previous : registration.setting_.usual;
  registration.registered_ = true;
  return registration;
}

Result<Ok> HelperRegistration::take_over(const Shim& shim) {
  // The launcher could not put it back.
  if (setting_.script.size() >= wire::kGuardPath)
    return from_errno("use '" + printable(setting_.script) + "'", ENAMETOOLONG);
  const auto line = line_for(shim, setting_.role, possible() ? *previous_ : setting_.usual);
  if (!line) return line.error();
  if (auto written = replace_file(setting_.script, *line, 0755); !written) return written;
  // A script on a file system without programs would take all modules from the host.
  if (::access(setting_.script.c_str(), X_OK) != 0 || ::access(shim.program.c_str(), X_OK) != 0)
    return from_errno("execute '" + setting_.script + "' by '" + shim.program + "'");
  if (!possible()) return Ok{};
  const auto saved = *previous_ + "\n" + setting_.file + "\n";
  if (auto written = replace_file(saved_, saved, 0600); !written) return written;
  registered_ = true;
  return kernel::write_file(setting_.file, setting_.script);
}

bool HelperRegistration::had_predecessor() const {
  return ::access(setting_.script.c_str(), F_OK) == 0;
}

Result<Ok> HelperRegistration::restore() {
  if (!std::exchange(registered_, false)) return Ok{};
  const auto now = read_setting(setting_.file);
  if (!now) return now.error();
  if (*now == setting_.script) {
    // An empty one is a setting, too, and takes a newline to write.
    auto written = kernel::write_file(setting_.file, *previous_ + "\n");
    if (!written) return written;
  }
  (void)::unlink(saved_.c_str());
  return Ok{};
}

Result<std::string> HelperRegistration::taken_by() const {
  if (!registered_) return std::string{};
  const auto now = read_setting(setting_.file);
  if (!now) return now.error();
  return *now == setting_.script ? std::string{} : now->value_or("");
}

}  // namespace upcall::daemon
