// SPDX-License-Identifier: Apache-2.0
#include "attempts.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"
#include "json.h"
#include "look.h"

namespace upcall::testing {
namespace {

constexpr int kMostFds = 10;  // more than a handler ever has

std::string opened(const std::string& path, int flags) {
  const UniqueFd fd{open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK)};
  return told(fd.get());
}

// At an address of ours, where it need not have anything: EFAULT, too, says that we were let in.
std::string read_memory(pid_t pid) {
  char byte{};
  const iovec ours{.iov_base = &byte, .iov_len = 1};
  const iovec theirs{.iov_base = &byte, .iov_len = 1};
  return told(process_vm_readv(pid, &ours, 1, &theirs, 1, 0));
}

std::string seize(pid_t pid) {
  const auto result = told(ptrace(PTRACE_SEIZE, pid, nullptr, nullptr));
  if (result != "SUCCESS") return result;
  // Only a process that has stopped can be let go.
  ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr);
  waitpid(pid, nullptr, __WALL);
  ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  return result;
}

void add_descriptors(JsonObject& out, pid_t pid, const std::string& directory) {
  JsonObject links;
  for (const int fd : descriptors_of(directory)) {
    const auto path = directory + "/fd/" + std::to_string(fd);
    out.add("open fd/" + std::to_string(fd), opened(path, O_RDWR));
    links.add(std::to_string(fd), link_of(path));
  }
  out.add_json("links of descriptors", links.text());
  const UniqueFd pidfd{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
  for (int fd = 0; fd < kMostFds; ++fd) {
    const UniqueFd taken{static_cast<int>(syscall(SYS_pidfd_getfd, pidfd.get(), fd, 0))};
    out.add("pidfd_getfd " + std::to_string(fd), told(taken.get()));
  }
}

class Handle {
 public:
  explicit Handle(unsigned size, int type = 0) {
    get()->handle_bytes = size;
    get()->handle_type = type;
  }
  [[nodiscard]] file_handle* get() { return reinterpret_cast<file_handle*>(bytes_.data()); }
  void set_first(unsigned char byte) { bytes_[sizeof(file_handle)] = byte; }

 private:
  alignas(file_handle) std::array<unsigned char, sizeof(file_handle) + MAX_HANDLE_SZ> bytes_{};
};

// By its own handle, to get another descriptor of it that can be written.
std::string reopen_by_handle(const std::string& path, int file) {
  Handle handle{MAX_HANDLE_SZ};
  int mount = 0;
  if (name_to_handle_at(AT_FDCWD, path.c_str(), handle.get(), &mount, AT_SYMLINK_FOLLOW) != 0)
    return told(-1);
  const UniqueFd fd{open_by_handle_at(file, handle.get(), O_RDWR | O_CLOEXEC)};
  return told(fd.get());
}

// The executable's file system as the door to all of its files: inode 2 is the root of an ext4.
std::string open_root_by_handle(int file) {
  Handle handle{8, 1};
  handle.set_first(2);
  const UniqueFd fd{open_by_handle_at(file, handle.get(), O_RDONLY | O_CLOEXEC)};
  return told(fd.get());
}

std::string set_capabilities_of(const std::string& path) {
  const vfs_cap_data all{.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
                         .data = {{.permitted = ~0U, .inheritable = 0}, {~0U, 0}}};
  return told(setxattr(path.c_str(), "security.capability", &all, sizeof all, 0));
}

void add_mount_attempts(JsonObject& out, const std::string& path) {
  mount_attr writable{};
  writable.attr_clr = MOUNT_ATTR_RDONLY;
  out.add("mount_setattr",
          told(syscall(SYS_mount_setattr, AT_FDCWD, path.c_str(), 0, &writable, sizeof writable)));
  const UniqueFd picked{static_cast<int>(syscall(SYS_fspick, AT_FDCWD, path.c_str(), 0))};
  out.add("fspick", told(picked.get()));
  const UniqueFd tree{static_cast<int>(
      syscall(SYS_open_tree, AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC))};
  out.add("open_tree", told(tree.get()));
  const auto place = "/tmp/attack." + std::to_string(getpid());
  const UniqueFd made{open(place.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  out.add("bind mount", told(mount(path.c_str(), place.c_str(), nullptr, MS_BIND, nullptr)));
  out.add("link", told(linkat(AT_FDCWD, path.c_str(), AT_FDCWD, (place + ".link").c_str(),
                              AT_SYMLINK_FOLLOW)));
}

}  // namespace

std::string told(long result) { return result < 0 ? strerrorname_np(errno) : "SUCCESS"; }

std::string attempts_on_process(pid_t pid) {
  const std::string directory = "/proc/" + std::to_string(pid);
  JsonObject out;
  out.add("open exe", opened(directory + "/exe", O_RDONLY));
  out.add("reach exe", opened(directory + "/exe", O_PATH));
  out.add("readlink exe", link_of(directory + "/exe").empty() ? told(-1) : std::string{"SUCCESS"});
  out.add("open mem", opened(directory + "/mem", O_RDWR));
  for (const char* name : {"environ", "maps", "auxv", "ns/mnt", "ns/user"})
    out.add(std::string{"open "} + name, opened(directory + "/" + name, O_RDONLY));
  for (const char* name : {"root", "cwd"})
    out.add(std::string{"open "} + name, opened(directory + "/" + name, O_PATH | O_DIRECTORY));
  out.add("read memory", read_memory(pid));
  add_descriptors(out, pid, directory);
  out.add("seize", seize(pid));
  return out.text();
}

std::string attempts_on_executable(const std::string& path, int file) {
  JsonObject out;
  const UniqueFd writable{open(path.c_str(), O_RDWR | O_CLOEXEC)};
  out.add("write", writable ? told(write(writable.get(), "#", 1)) : told(-1));
  out.add("truncate", told(truncate(path.c_str(), 0)));
  out.add("chmod", told(chmod(path.c_str(), 0777)));
  out.add("chown", told(chown(path.c_str(), getuid(), getgid())));
  out.add("utimes", told(utimensat(AT_FDCWD, path.c_str(), nullptr, 0)));
  out.add("set capabilities", set_capabilities_of(path));
  out.add("set an attribute", told(setxattr(path.c_str(), "user.upcall", "x", 1, 0)));
  add_mount_attempts(out, path);
  if (file < 0) return out.text();
  out.add("fchmod", told(fchmod(file, 0777)));
  out.add("reopen by handle", reopen_by_handle(path, file));
  out.add("open the root by handle", open_root_by_handle(file));
  const UniqueFd above{openat(file, "..", O_PATH | O_CLOEXEC)};
  out.add("open its directory", told(above.get()));
  return out.text();
}

}  // namespace upcall::testing
