// SPDX-License-Identifier: Apache-2.0
// One weakness at a time, for tests/system/broken.sh and tests/vm/broken.sh to show that a test
// notices it. None is there unless the build was given its name by UPCALL_BROKEN, which no preset
// and no installation does.
#pragma once

#include <string_view>

namespace upcall::broken {

#ifdef UPCALL_BROKEN
inline constexpr std::string_view kWeakness{UPCALL_BROKEN};
#else
inline constexpr std::string_view kWeakness;
#endif

inline constexpr bool kDumpable = kWeakness == "dumpable";          // never PR_SET_DUMPABLE 0
inline constexpr bool kDescriptors = kWeakness == "descriptors";    // no close_range
inline constexpr bool kKeyring = kWeakness == "keyring";            // the starter's session keyring
inline constexpr bool kGroup = kWeakness == "group";                // the launcher's process group
inline constexpr bool kRoot = kWeakness == "root";                  // no chroot
inline constexpr bool kIds = kWeakness == "ids";                    // the launcher's user
inline constexpr bool kLimits = kWeakness == "limits";              // the launcher's limits
inline constexpr bool kCgroup = kWeakness == "cgroup";              // the launcher's cgroup
inline constexpr bool kPrivileges = kWeakness == "privileges";      // new privileges may be had
inline constexpr bool kCapabilities = kWeakness == "capabilities";  // those of the launcher
inline constexpr bool kFilters = kWeakness == "filters";            // none of the container's
inline constexpr bool kMemory = kWeakness == "memory";              // always shared with stage 1
inline constexpr bool kInherited = kWeakness == "inherited";  // the executable stays open in exec
inline constexpr bool kParent = kWeakness == "parent";        // whom its children may rekey
inline constexpr bool kRecord = kWeakness == "record";        // whoever is proposed is the init
inline constexpr bool kVault = kWeakness == "vault";          // not sealed
inline constexpr bool kFallback = kWeakness == "fallback";  // no init before NS_GET_TGID_FROM_PIDNS

}  // namespace upcall::broken
