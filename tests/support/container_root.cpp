// SPDX-License-Identifier: Apache-2.0
#include "container_root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <filesystem>

#include "descriptors.h"

namespace upcall::testing {
namespace {

namespace fs = std::filesystem;

// Where the new root is put together. Whatever the host has there is hidden from this container
// only.
constexpr const char* kStage = "/tmp";

constexpr std::array kApplets = {
    "sh",    "cat",   "ls",   "id",     "ps",   "env",  "echo", "readlink",
    "sleep", "mkdir", "stat", "mount",  "grep", "sed",  "wc",   "hostname",
    "touch", "chmod", "kill", "printf", "dd",   "head", "tail", "true",
    "false", "date",  "sort", "cut",    "tr",   "rm",   "df",   "od"};
constexpr std::array kDevices = {"null", "zero", "full", "random", "urandom"};

HostFiles::File open_file(const Placement& placement) {
  UniqueFd file{
      must_get(open(placement.host.c_str(), O_RDONLY | O_CLOEXEC), "open " + placement.host)};
  return {.content = std::move(file), .inside = placement.inside, .mode = placement.mode};
}

HostFiles::Tree open_tree_of(const Placement& placement) {
  UniqueFd mount{must_get(open_tree(AT_FDCWD, placement.host.c_str(),
                                    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE),
                          "open the tree " + placement.host)};
  return {.mount = std::move(mount), .inside = placement.inside};
}

void copy_file(const HostFiles::File& file) {
  const std::string path = kStage + file.inside;
  fs::create_directories(fs::path{path}.parent_path());
  const UniqueFd copy{must_get(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600),
                               "create " + path)};
  off_t offset =
      0;  // a position of our own: the descriptor's is shared with the maker of containers
  for (;;) {
    const auto sent =
        must_get(sendfile(copy.get(), file.content.get(), &offset, 1U << 20U), "fill " + path);
    if (sent == 0) break;
  }
  must(fchmod(copy.get(), file.mode) == 0, "set the mode of " + path);
}

void mount_tmpfs(const std::string& path, const std::string& options) {
  fs::create_directories(path);
  must(mount("upcall-test", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) == 0,
       "mount a tmpfs at " + path);
}

void add_devices(const std::string& directory) {
  fs::create_directories(directory);
  for (const char* name : kDevices) {
    const std::string path = directory + "/" + name;
    const UniqueFd place{
        must_get(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666), "create " + path)};
    must(mount((std::string{"/dev/"} + name).c_str(), path.c_str(), nullptr, MS_BIND, nullptr) == 0,
         "bind " + path);
  }
}

void add_tree(const HostFiles::Tree& tree) {
  const std::string path = kStage + tree.inside;
  fs::create_directories(path);
  must(move_mount(tree.mount.get(), "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) == 0,
       "mount " + tree.inside);
}

void add_users() {
  fs::create_directories(std::string{kStage} + "/etc");
  const std::string path = std::string{kStage} + "/etc/passwd";
  const UniqueFd file{
      must_get(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644), "create " + path)};
  must(dprintf(file.get(), "root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n") > 0,
       "write " + path);
}

void change_root(const std::string& root) {
  must(chdir(root.c_str()) == 0, "enter " + root);
  // The old root lands below the new one, at the same place, and goes: pivot_root(2) tells of this
  // trick.
  must(syscall(SYS_pivot_root, ".", ".") == 0, "change the root");
  must(umount2(".", MNT_DETACH) == 0, "leave the host's files");
  must(chdir("/") == 0, "enter the new root");
}

}  // namespace

HostFiles open_host_files(const ContainerOptions& options) {
  HostFiles from_host;
  from_host.files.push_back(open_file({.host = "/proc/self/exe", .inside = "/sbin/init"}));
  from_host.files.push_back(open_file({.host = "/bin/busybox", .inside = "/bin/busybox"}));
  for (const auto& placement : options.files) from_host.files.push_back(open_file(placement));
  for (const auto& placement : options.binds) from_host.trees.push_back(open_tree_of(placement));
  return from_host;
}

void enter_new_root(const HostFiles& from_host, const ContainerOptions& options) {
  const std::string stage = kStage;
  must(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0,
       "part from the host's mounts");
  // Without MS_NOSUID, for the set-uid victims.
  must(mount("upcall-test", kStage, "tmpfs", MS_NODEV, "mode=755") == 0, "mount the new root");
  umask(0022);
  for (const auto& file : from_host.files) copy_file(file);
  for (const char* applet : kApplets) fs::create_symlink("busybox", stage + "/bin/" + applet);
  add_users();
  add_devices(stage + "/dev");
  fs::create_directories(stage + "/proc");
  must(mount("proc", (stage + "/proc").c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
             nullptr) == 0,
       "mount /proc");
  mount_tmpfs(stage + "/tmp", "mode=1777");
  mount_tmpfs(stage + "/var/crash", "mode=1777,size=" + options.crash_size);
  for (const auto& tree : from_host.trees) add_tree(tree);
  change_root(stage);
  if (options.read_only) {
    must(mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV, nullptr) == 0,
         "make the root read-only");
  }
}

}  // namespace upcall::testing
