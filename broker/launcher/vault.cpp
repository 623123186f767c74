// SPDX-License-Identifier: Apache-2.0
#include "launcher/vault.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/broken.h"
#include "kernel/detached_mount.h"

namespace upcall::launcher {
namespace {

constexpr const char* kDirectory = "programs";
constexpr mode_t kExecuteOnly = 0111;
constexpr mode_t kSearchOnly = 0111;

Result<Ok> copy_file(int directory, const VaultFile& file) {
  const UniqueFd source{::open(file.source.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!source) return from_errno("open '" + file.source + "'", errno);
  struct stat status {};
  if (::fstat(source.get(), &status) != 0) return from_errno("stat '" + file.source + "'", errno);
  const UniqueFd copy{
      ::openat(directory, file.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0200)};
  if (!copy) return from_errno("create '" + file.name + "' in the vault", errno);
  auto left = static_cast<std::size_t>(status.st_size);
  while (left > 0) {
    const ssize_t sent = ::sendfile(copy.get(), source.get(), nullptr, left);
    if (sent <= 0) return from_errno("copy '" + file.source + "'", sent == 0 ? EIO : errno);
    left -= static_cast<std::size_t>(sent);
  }
  if (::fchmod(copy.get(), kExecuteOnly) != 0) return from_errno("protect a file of the vault");
  return Ok{};
}

// Both: a mount alone could be made writable by whoever holds it, a superblock alone has writable
// mounts.
Result<Ok> seal(int mount) {
  if constexpr (broken::kVault) return Ok{};
  const UniqueFd context{::fspick(mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH)};
  if (!context) return from_errno("seal the vault");
  if (::fsconfig(context.get(), FSCONFIG_SET_FLAG, "ro", nullptr, 0) != 0 ||
      ::fsconfig(context.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0) != 0) {
    return from_errno("make the vault read-only");
  }
  mount_attr attributes{.attr_set = MOUNT_ATTR_RDONLY};
  if (::mount_setattr(mount, "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    return from_errno("make the vault's mount read-only");
  }
  return Ok{};
}

}  // namespace

Result<UniqueFd> make_vault(std::span<const VaultFile> files) {
  const auto mount = kernel::mount_detached("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                                            {.key = "mode", .value = "0111"});
  if (!mount) return mount.error();
  if (::mkdirat(mount->get(), kDirectory, kSearchOnly) != 0) return from_errno("fill the vault");
  UniqueFd directory{::openat(mount->get(), kDirectory, O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!directory) return from_errno("open the vault");
  for (const auto& file : files) {
    if (const auto copied = copy_file(directory.get(), file); !copied) return copied.error();
  }
  if (const auto sealed = seal(mount->get()); !sealed) return sealed.error();
  return directory;
}

}  // namespace upcall::launcher
