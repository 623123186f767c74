// SPDX-License-Identifier: Apache-2.0
#include "core/core_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <optional>

#include "base/text.h"

namespace upcall::core {
namespace {

constexpr mode_t kMode = 0600;
constexpr int kMostNames = 100;

std::string random_name() {
  std::uint64_t number = 0;
  // Before the pool is ready it gives nothing: O_EXCL still keeps us from anybody else's file.
  if (::getrandom(&number, sizeof number, GRND_NONBLOCK) < 0)
    number = static_cast<std::uint64_t>(::getpid());
  return ".core." + std::to_string(number) + ".tmp";
}

}  // namespace

Result<CoreFile> CoreFile::create(int directory) {
  UniqueFd fd{::openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, kMode)};
  if (!fd && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
    return create_named(directory);
  if (!fd) return from_errno("create a file in the directory");
  // An unnamed file gets its name by AT_EMPTY_PATH, for which older kernels want
  // CAP_DAC_READ_SEARCH, or by /proc, which a container may lack. Ask now, while there is another
  // way: "." exists, so a link to it fails with EEXIST, but only after the source was found.
  for (const auto naming : {Naming::by_descriptor, Naming::by_proc}) {
    if (link(fd.get(), naming, directory, ".") == EEXIST)
      return CoreFile{directory, std::move(fd), naming, ""};
  }
  return create_named(directory);
}

Result<CoreFile> CoreFile::create_named(int directory) {
  auto name = random_name();
  UniqueFd fd{
      ::openat(directory, name.c_str(), O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, kMode)};
  if (!fd) return from_errno("create a file in the directory");
  return CoreFile{directory, std::move(fd), Naming::by_rename, std::move(name)};
}

CoreFile::~CoreFile() {
  if (fd_ && !temporary_name_.empty()) ::unlinkat(directory_, temporary_name_.c_str(), 0);
}

void CoreFile::give_to_owner(const Identity& identity) const {
  const auto uid = parse_integer<uid_t>(identity.uid);
  const auto gid = parse_integer<gid_t>(identity.gid);
  if (!identity.for_owner || !uid || !gid) return;
  struct stat status {};
  // Even a change to what it is already is one more entry in a journal that all crashes wait for.
  const bool has_it = ::fstat(fd(), &status) == 0 && status.st_uid == *uid && status.st_gid == *gid;
  // Without the right to give files away it stays ours, which discloses less.
  if (!has_it) static_cast<void>(::fchown(fd(), *uid, *gid) == 0);
}

Result<std::string> CoreFile::publish(const std::string& name) {
  int problem = EEXIST;
  for (int i = 0; i < kMostNames && problem == EEXIST; ++i) {
    const auto attempt = i == 0 ? name : name + '.' + std::to_string(i);
    problem = name_it(attempt);
    if (problem == 0) return attempt;
  }
  return from_errno("name the core \"" + name + '"', problem);
}

// These two give an errno, or 0.
int CoreFile::link(int fd, Naming naming, int directory, const char* name) {
  const auto proc = "/proc/self/fd/" + std::to_string(fd);
  const int failed = naming == Naming::by_descriptor
                         ? ::linkat(fd, "", directory, name, AT_EMPTY_PATH)
                         : ::linkat(AT_FDCWD, proc.c_str(), directory, name, AT_SYMLINK_FOLLOW);
  return failed == 0 ? 0 : errno;
}

int CoreFile::name_it(const std::string& name) {
  if (naming_ != Naming::by_rename) return link(fd(), naming_, directory_, name.c_str());
  const char* old_name = temporary_name_.c_str();
  if (::renameat2(directory_, old_name, directory_, name.c_str(), RENAME_NOREPLACE) == 0) {
    temporary_name_.clear();
    return 0;
  }
  if (errno != EINVAL) return errno;
  // A file system (NFS) that cannot rename without replacing has hard links; the destructor
  // unlinks.
  return ::linkat(directory_, old_name, directory_, name.c_str(), 0) == 0 ? 0 : errno;
}

}  // namespace upcall::core
