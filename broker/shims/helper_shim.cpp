// SPDX-License-Identifier: Apache-2.0
#include "shims/helper_shim.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "shims/core_shim.h"
#include "shims/helper_call.h"
#include "shims/report.h"
#include "shims/system_call.h"

namespace upcall::shim {
namespace {

// The handlers that the broker runs meanwhile have 30 seconds.
constexpr HelperPatience kPatience{.taken_seconds = 5, .answer_seconds = 35};

constexpr int kNotFound = 127;  // as a shell says

constexpr std::string_view kOurs = "upcall-shim";
constexpr std::string_view kStatic = "usermode-helper";
// Its line says where the broker is: "#!PATH helper=SOCKET[,absent=deny]". Written by upcalld, into
// a directory of root's; without it there has been no upcalld yet.
constexpr const char* kStaticLine = "/var/lib/upcalld/usermode-helper";
constexpr std::string_view kStaticRole = " helper=";

std::string_view file_name(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  return path;
}

// How many bytes of `texts` they take; 0 where there are more than the kernel ever gives.
std::size_t write_texts(std::span<char* const> arguments, std::span<char> texts) {
  std::size_t used = 0;
  for (const char* argument : arguments) {
    const std::size_t size = std::strlen(argument) + 1;
    if (size > texts.size() - used) return 0;
    std::memcpy(texts.data() + used, argument, size);
    used += size;
  }
  return used;
}

enum class Agent : bool { any, release };

int serve(const Options& options, Agent agent, std::span<char*> arguments,
          char* const* environment) {
  HelperCall call{options, kPatience, arguments, environment};
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): only what is written of it is sent
  std::array<char, wire::kMaxHelperTexts> texts;
  const std::size_t used = write_texts(arguments, texts);
  if (used == 0 || arguments.size() > wire::kMaxHelperArguments)
    return report_failure("pass on so many arguments", -E2BIG,
                          "see which helper the kernel starts");
  wire::ShimHelperRequest request{.release_agent = agent == Agent::release ? 1U : 0U,
                                  .texts_bytes = static_cast<std::uint32_t>(used)};
  const std::array message{iovec{.iov_base = &request, .iov_len = sizeof request},
                           iovec{.iov_base = texts.data(), .iov_len = used}};
  return call.serve(message);
}

constexpr long kMostOfLine = 255;
using StaticLine = std::array<char, kMostOfLine + 1>;

// Nothing but the stock helper where there is no such file. The options point into `static_line`.
Options read_static_options(StaticLine& static_line) {
  Options options;
  const long file =
      system_call(SYS_openat, AT_FDCWD, address_of(kStaticLine), O_RDONLY | O_CLOEXEC);
  if (file < 0) return options;
  const long size = system_call(SYS_read, file, address_of(static_line.data()), kMostOfLine);
  system_call(SYS_close, file);
  if (size <= 0) return options;
  const std::string_view line{static_line.data(), static_cast<std::size_t>(size)};
  const auto role = line.find(kStaticRole);
  const auto end = line.find('\n');
  if (role == std::string_view::npos || end == std::string_view::npos || end < role) return options;
  static_line[end] = '\0';
  return parse_options(static_line.data() + role + kStaticRole.size());
}

// By what name the program was executed, which no argument can forge; empty where it is not told.
std::string_view executed_name(char* const* environment) {
  while (*environment != nullptr) ++environment;
  // What the kernel leaves behind the environment.
  for (const auto* entry = reinterpret_cast<const Elf64_auxv_t*>(environment + 1);
       entry->a_type != AT_NULL; ++entry) {
    if (entry->a_type != AT_EXECFN) continue;
    return reinterpret_cast<const char*>(entry->a_un.a_val);  // NOLINT(performance-no-int-to-ptr)
  }
  return {};
}

}  // namespace

int run_helper_shim(char* options, std::span<char*> arguments, char* const* environment) {
  if (arguments.empty()) return kNotFound;
  return serve(parse_options(options), Agent::any, arguments, environment);
}

int run_release_agent_shim(char* options, std::span<char*> arguments, char* const* environment) {
  if (arguments.empty()) return kNotFound;
  return serve(parse_options(options), Agent::release, arguments, environment);
}

bool is_static_helper(char* const* environment) {
  return file_name(executed_name(environment)) == kStatic;
}

int run_static_helper_shim(std::span<char*> arguments, char* const* environment) {
  if (arguments.empty()) return kNotFound;
  const auto wanted = file_name(arguments[0]);
  // Our own pattern for core dumps. This role executes nothing, so anybody may name it.
  if (wanted == kOurs && arguments.size() > 1 && std::string_view{arguments[1]} == "core")
    return run_core_shim(arguments.subspan(2));
  // It would execute itself for ever.
  if (wanted == kStatic)
    return report_failure("find a helper", -ELOOP,
                          "the kernel's setting for it names usermode-helper");
  StaticLine static_line;
  Options options = read_static_options(static_line);
  options.stock = arguments[0];
  if (options.socket == nullptr) options.socket = "/run/upcalld/helper.socket";
  return serve(options, Agent::any, arguments, environment);
}

}  // namespace upcall::shim
