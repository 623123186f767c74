// SPDX-License-Identifier: Apache-2.0
#include "daemon/helper_registration.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/replace_file.h"
#include "base/text.h"
#include "kernel/read_file.h"

namespace upcall::daemon {
namespace {

// Of a #! line, whose interpreter ends at the first blank (BINPRM_BUF_SIZE).
constexpr std::size_t kLine = 255;

// Nothing where there is none.
Result<std::optional<std::string>> read_setting(const std::string& file) {
  const auto text = kernel::read_file(file);
  if (!text && text.error().code == std::errc::no_such_file_or_directory)
    return std::optional<std::string>{};
  if (!text) return text.error();
  std::string_view rest{*text};
  return std::optional{std::string{take_until(rest, '\n')}};
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
  auto name = mount_point;
  std::ranges::replace(name, '/', '@');
  return {.file = mount_point + "/release_agent",
          .role = "release-agent",
          .script = state_directory + "/release-agent" + name};
}

Result<HelperRegistration> HelperRegistration::begin(HelperSetting setting) {
  auto now = read_setting(setting.file);
  if (!now) return now.error();
  HelperRegistration registration{std::move(setting), *std::move(now)};
  if (registration.previous_ != registration.setting_.script) return registration;
  // A predecessor had no chance to clean up.
  const auto saved = kernel::read_file(registration.saved_);
  std::string_view rest{saved ? std::string_view{*saved} : std::string_view{}};
  const std::string before{take_until(rest, '\n')};
  registration.previous_ = saved ? before : registration.setting_.usual;
  registration.registered_ = true;
  return registration;
}

Result<Ok> HelperRegistration::take_over(const Shim& shim) {
  const auto line = line_for(shim, setting_.role, possible() ? *previous_ : setting_.usual);
  if (!line) return line.error();
  if (auto written = replace_file(setting_.script, *line, 0755); !written) return written;
  // A script on a file system without programs would take all modules from the host.
  if (::access(setting_.script.c_str(), X_OK) != 0 || ::access(shim.program.c_str(), X_OK) != 0)
    return from_errno("execute '" + setting_.script + "' by '" + shim.program + "'");
  if (!possible()) return Ok{};
  if (auto written = replace_file(saved_, *previous_ + "\n", 0600); !written) return written;
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
