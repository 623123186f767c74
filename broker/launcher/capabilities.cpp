// SPDX-License-Identifier: Apache-2.0
#include "launcher/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace upcall::launcher {
namespace {

constexpr unsigned kWord = 32;
constexpr int kMostCapabilities = 64;

using CapabilityWords = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

__user_cap_header_struct own_header() { return {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0}; }

}  // namespace

std::optional<std::uint64_t> permitted_capabilities() noexcept {
  auto header = own_header();
  CapabilityWords words{};
  if (::syscall(SYS_capget, &header, words.data()) != 0) return {};
  return words[0].permitted | (std::uint64_t{words[1].permitted} << kWord);
}

bool set_capabilities(std::uint64_t set) noexcept {
  auto header = own_header();
  const auto low = static_cast<std::uint32_t>(set);
  const auto high = static_cast<std::uint32_t>(set >> kWord);
  CapabilityWords words{{{.effective = low, .permitted = low, .inheritable = 0},
                         {.effective = high, .permitted = high, .inheritable = 0}}};
  return ::syscall(SYS_capset, &header, words.data()) == 0;
}

bool drop_bounding_set(std::uint64_t keep) noexcept {
  for (int capability = 0; capability < kMostCapabilities; ++capability) {
    if ((keep & capability_bit(capability)) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    return errno == EINVAL;  // beyond the last one that this kernel knows
  }
  return true;
}

}  // namespace upcall::launcher
