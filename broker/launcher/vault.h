// SPDX-License-Identifier: Apache-2.0
// The vault: where the launcher and the handlers of ours are executed from. A tmpfs that is
// attached nowhere, read-only as a superblock and as a mount, so that what a container reaches
// through /proc/PID/exe is no file of the host, cannot be changed, and leads to no other file.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace upcall::launcher {

struct VaultFile {
  std::string name;    // in the vault
  std::string source;  // on the host
};

// O_PATH, a directory below the mount's root. Every file in it is 0111: whoever runs it stays not
// dumpable.
[[nodiscard]] Result<UniqueFd> make_vault(std::span<const VaultFile> files);

}  // namespace upcall::launcher
