// SPDX-License-Identifier: Apache-2.0
#include "daemon/module_registration.h"

#include <unistd.h>

#include <utility>

#include "base/replace_file.h"
#include "base/text.h"
#include "kernel/read_file.h"

namespace upcall::daemon {
namespace {

constexpr const char* kSetting = "/proc/sys/kernel/modprobe";
// Of a #! line, whose interpreter ends at the first blank (BINPRM_BUF_SIZE).
constexpr std::size_t kLine = 255;
constexpr const char* kUsual = "/sbin/modprobe";

// Nothing where the kernel has no modules.
Result<std::optional<std::string>> read_setting() {
  const auto text = kernel::read_file(kSetting);
  if (!text && text.error().code == std::errc::no_such_file_or_directory)
    return std::optional<std::string>{};
  if (!text) return text.error();
  std::string_view rest{*text};
  return std::optional{std::string{take_until(rest, '\n')}};
}

Result<std::string> line_for(const ModuleRegistration::Shim& shim, const std::string& stock) {
  std::string line = "#!" + shim.program + " modprobe=" + shim.socket + ",stock=" + stock;
  if (shim.absent_denies) line += ",absent=deny";
  const bool plain = shim.program.find_first_of(" \t\n") == std::string::npos &&
                     (shim.socket + stock).find_first_of(",\n") == std::string::npos;
  if (!plain) return from_errno("name upcall-shim and its socket in a #! line", EINVAL);
  if (line.size() >= kLine) return from_errno("write so long a #! line", ENAMETOOLONG);
  return line + "\n";
}

}  // namespace

Result<ModuleRegistration> ModuleRegistration::begin(const std::string& state_directory) {
  auto now = read_setting();
  if (!now) return now.error();
  ModuleRegistration registration{state_directory, *std::move(now)};
  if (registration.previous_ != registration.script_) return registration;
  // A predecessor had no chance to clean up.
  const auto saved = kernel::read_file(registration.saved_);
  std::string_view rest{saved ? std::string_view{*saved} : std::string_view{}};
  const std::string before{take_until(rest, '\n')};
  registration.previous_ = saved ? before : kUsual;
  registration.registered_ = true;
  return registration;
}

Result<Ok> ModuleRegistration::take_over(const Shim& shim) {
  const auto line = line_for(shim, possible() ? *previous_ : kUsual);
  if (!line) return line.error();
  if (auto written = replace_file(script_, *line, 0755); !written) return written;
  // A script on a file system without programs would take all modules from the host.
  if (::access(script_.c_str(), X_OK) != 0 || ::access(shim.program.c_str(), X_OK) != 0)
    return from_errno("execute '" + script_ + "' by '" + shim.program + "'");
  if (!possible()) return Ok{};
  if (auto written = replace_file(saved_, *previous_ + "\n", 0600); !written) return written;
  registered_ = true;
  return kernel::write_file(kSetting, script_);
}

bool ModuleRegistration::had_predecessor() const { return ::access(script_.c_str(), F_OK) == 0; }

Result<Ok> ModuleRegistration::restore() {
  if (!std::exchange(registered_, false)) return Ok{};
  const auto now = read_setting();
  if (!now) return now.error();
  if (*now == script_) {
    // An empty one is a setting, too, and takes a newline to write.
    auto written = kernel::write_file(kSetting, *previous_ + "\n");
    if (!written) return written;
  }
  (void)::unlink(saved_.c_str());
  return Ok{};
}

Result<std::string> ModuleRegistration::taken_by() const {
  if (!registered_) return std::string{};
  const auto now = read_setting();
  if (!now) return now.error();
  return *now == script_ ? std::string{} : now->value_or("");
}

}  // namespace upcall::daemon
