// SPDX-License-Identifier: Apache-2.0
#include "shims/module_shim.h"

#include <cerrno>
#include <cstring>
#include <string_view>

#include "shims/helper_call.h"
#include "shims/report.h"
#include "shims/system_call.h"

namespace upcall::shim {
namespace {

constexpr std::size_t kArguments = 4;
constexpr std::size_t kName = 3;
// Together less than what the kernel lets others wait for a place among its 50.
constexpr HelperPatience kPatience{.taken_seconds = 1, .answer_seconds = 4};

}  // namespace

int run_module_shim(char* options, std::span<char*> arguments, char* const* environment) {
  HelperCall call{parse_options(options), kPatience, arguments, environment};
  // A kernel that asks in another way knows why; its stock helper understands it.
  const bool usual = arguments.size() == kArguments && std::string_view{arguments[1]} == "-q" &&
                     std::string_view{arguments[2]} == "--";
  if (!usual) return call.run_stock();
  wire::ShimModuleRequest request;
  const std::size_t length = std::strlen(arguments[kName]);
  if (length >= request.name.size()) return report_failure("pass on a name", -E2BIG, "see dmesg");
  std::memcpy(request.name.data(), arguments[kName], length);
  const iovec message{.iov_base = &request, .iov_len = sizeof request};
  return call.serve(std::span{&message, 1});
}

}  // namespace upcall::shim
