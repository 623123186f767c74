// SPDX-License-Identifier: Apache-2.0
#include "node/device_node.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/relative_path.h"
#include "base/text.h"

namespace upcall::node {
namespace {

constexpr mode_t kPermissions = 0777;
constexpr mode_t kByDefault = 0600;  // as devtmpfs

std::optional<unsigned> number_in(const std::optional<std::string_view>& text, int base = 10) {
  return text ? parse_integer<unsigned>(*text, base) : std::nullopt;
}

// What the policy says goes before what the driver says.
mode_t permissions_of(const Variables& variables) {
  for (const char* name : {"UPCALL_WITH_MODE", "UPCALL_UEVENT_DEVMODE"}) {
    if (const auto mode = number_in(variables(name), 8)) return *mode & kPermissions;
  }
  return kByDefault;
}

// Another process's word could name any device.
bool is_believed(std::string_view event_class) {
  return event_class == "kernel" || event_class == "resync";
}

struct Existing {
  bool any{};
  struct stat status {};
};

Result<Existing> look(int dev, const std::string& path) {
  Existing existing;
  existing.any = ::fstatat(dev, path.c_str(), &existing.status, AT_SYMLINK_NOFOLLOW) == 0;
  if (!existing.any && errno != ENOENT && errno != ENOTDIR)
    return from_errno("look at '/dev/" + path + "'", errno);
  return existing;
}

bool is_device(const Existing& existing) {
  return existing.any && (S_ISBLK(existing.status.st_mode) || S_ISCHR(existing.status.st_mode));
}

bool is_it(const Existing& existing, const DeviceNode& node) {
  return existing.any && (existing.status.st_mode & S_IFMT) == node.type &&
         existing.status.st_rdev == node.number;
}

Result<Ok> make_directories(int dev, const std::string& path) {
  constexpr mode_t kMode = 0755;
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const auto directory = path.substr(0, slash);
    if (::mkdirat(dev, directory.c_str(), kMode) != 0 && errno != EEXIST)
      return from_errno("make '/dev/" + directory + "'", errno);
  }
  return Ok{};
}

// Asked of the file's permissions, the kernel asks the cgroup as well, and opens nothing: to open a
// device can do things to it.
bool usable(int dev, const std::string& path) {
  return ::faccessat(dev, path.c_str(), R_OK, 0) == 0 || errno != EPERM ||
         ::faccessat(dev, path.c_str(), W_OK, 0) == 0 || errno != EPERM;
}

std::string describe_device(const DeviceNode& node) {
  return std::string{node.type == S_IFBLK ? "b " : "c "} + std::to_string(::major(node.number)) +
         ":" + std::to_string(::minor(node.number));
}

Result<Ok> fill_in(int dev, const std::string& path, const DeviceNode& node) {
  constexpr auto kSame = static_cast<uid_t>(-1);
  if (::fchownat(dev, path.c_str(), node.owner.value_or(kSame), node.group.value_or(kSame),
                 AT_SYMLINK_NOFOLLOW) != 0 ||
      ::fchmodat(dev, path.c_str(), node.permissions, 0) != 0)
    return from_errno("give '/dev/" + node.path + "' its owner and mode", errno);
  if (usable(dev, path)) return Ok{};
  return from_errno("make '/dev/" + node.path + "': the container's cgroup may not use '" +
                        describe_device(node) + "', which its runtime has to allow it (" +
                        "--device-cgroup-rule)",
                    EACCES);
}

}  // namespace

Result<std::optional<DeviceNode>> read_device_node(const Variables& variables) {
  if (!is_believed(variables("UPCALL_CLASS").value_or("")))
    return from_errno("make a device node on another's word than the kernel's", EPERM);
  const auto name = variables("UPCALL_UEVENT_DEVNAME");
  const auto major = number_in(variables("UPCALL_UEVENT_MAJOR"));
  const auto minor = number_in(variables("UPCALL_UEVENT_MINOR"));
  if (!name || !major || !minor) return std::optional<DeviceNode>{};
  if (!is_path_below(*name)) return from_errno("find a place for the device node", EBADMSG);
  const bool is_block = variables("UPCALL_SUBSYSTEM") == "block";
  return std::optional{DeviceNode{.path = std::string{*name},
                                  .type = static_cast<mode_t>(is_block ? S_IFBLK : S_IFCHR),
                                  .number = ::makedev(*major, *minor),
                                  .permissions = permissions_of(variables),
                                  .owner = number_in(variables("UPCALL_WITH_UID")),
                                  .group = number_in(variables("UPCALL_WITH_GID"))}};
}

// Nobody finds it before it is as it should be.
Result<Ok> make_node(int dev, const DeviceNode& node) {
  const auto existing = look(dev, node.path);
  if (!existing) return existing.error();
  if (is_it(*existing, node)) return Ok{};
  if (existing->any && !is_device(*existing))
    return from_errno("make '/dev/" + node.path + "'", EEXIST);
  if (auto made = make_directories(dev, node.path); !made) return made;
  const auto aside = node.path + ".upcalld";
  (void)::unlinkat(dev, aside.c_str(), 0);
  if (::mknodat(dev, aside.c_str(), node.type, node.number) != 0)
    return from_errno("make '/dev/" + node.path +
                          "' (a container may not without CAP_MKNOD, in a user namespace, or "
                          "where its cgroup forbids it)",
                      errno);
  auto done = fill_in(dev, aside, node);
  if (done && ::renameat(dev, aside.c_str(), dev, node.path.c_str()) != 0)
    done = from_errno("make '/dev/" + node.path + "'", errno);
  if (!done) (void)::unlinkat(dev, aside.c_str(), 0);
  return done;
}

Result<Ok> remove_node(int dev, const DeviceNode& node) {
  const auto existing = look(dev, node.path);
  if (!existing) return existing.error();
  if (!is_it(*existing, node)) return Ok{};
  if (::unlinkat(dev, node.path.c_str(), 0) != 0)
    return from_errno("remove '/dev/" + node.path + "'", errno);
  return Ok{};
}

}  // namespace upcall::node
