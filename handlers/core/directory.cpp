// SPDX-License-Identifier: Apache-2.0
#include "core/directory.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/text.h"

namespace upcall::core {
namespace {

UniqueFd open_without_links(const std::string& path) {
  open_how how{};
  how.flags = O_DIRECTORY | O_RDONLY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return UniqueFd{
      static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how))};
}

bool make_last_component(const std::string& path) {
  const auto end = path.find_last_not_of('/');
  const auto slash = path.rfind('/', end);
  if (end == std::string::npos || slash == std::string::npos) return false;
  const auto parent = open_without_links(path.substr(0, slash + 1));
  const std::string name = path.substr(slash + 1, end - slash);
  // Another handler may have made it meanwhile.
  return parent && (::mkdirat(parent.get(), name.c_str(), 0700) == 0 || errno == EEXIST);
}

}  // namespace

Result<UniqueFd> open_directory(const std::string& path) {
  auto directory = open_without_links(path);
  if (!directory && errno == ENOENT && make_last_component(path))
    directory = open_without_links(path);
  if (!directory) {
    const int cause = errno;
    return from_errno("open the directory \"" + printable(path) + '"', cause);
  }
  struct stat status {};
  if (::fstat(directory.get(), &status) != 0) return from_errno("look at the directory");
  // With the sticky bit, as /var/crash often has it, nobody can remove or replace what is not his.
  if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
    return from_errno("trust \"" + printable(path) + "\", where everybody may remove every file",
                      EPERM);
  }
  return directory;
}

}  // namespace upcall::core
