// SPDX-License-Identifier: Apache-2.0
#include "kernel/sysfs_devices.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <memory>
#include <vector>

#include "base/unique_fd.h"
#include "kernel/directory.h"

namespace upcall::kernel {
namespace {

// The kernel gives the variables of a device one page, as it does its attributes.
constexpr std::size_t kPage = 4096;
// Deeper than any bus; each level holds a descriptor.
constexpr int kMostLevels = 64;

// What one directory of sysfs has in it.
struct Entries {
  std::vector<std::string> directories;
  bool is_device{};  // it has a uevent file, and belongs to a subsystem
};

// Takes the descriptor.
Entries read_entries(UniqueFd directory) {
  const auto close = [](DIR* stream) { ::closedir(stream); };
  const std::unique_ptr<DIR, decltype(close)> stream{::fdopendir(directory.get()), close};
  if (!stream) return {};
  (void)directory.release();
  Entries entries;
  bool has_uevent = false;
  bool has_subsystem = false;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name{static_cast<const char*>(entry->d_name)};
    has_uevent = has_uevent || (entry->d_type == DT_REG && name == "uevent");
    has_subsystem = has_subsystem || (entry->d_type == DT_LNK && name == "subsystem");
    if (entry->d_type == DT_DIR && name != "." && name != "..")
      entries.directories.emplace_back(name);
  }
  entries.is_device = has_uevent && has_subsystem;
  return entries;
}

// Empty for what is no link.
std::string read_target(int directory, const std::string& link) {
  std::array<char, PATH_MAX> target{};
  const ssize_t n = ::readlinkat(directory, link.c_str(), target.data(), target.size());
  return n <= 0 ? std::string{} : std::string{target.data(), static_cast<std::size_t>(n)};
}

// The last part of a link's target: "../../../class/net" -> "net".
std::string read_link_name(int directory, const std::string& link) {
  const auto target = read_target(directory, link);
  return target.substr(target.rfind('/') + 1);
}

std::string read_variables(int device) {
  const auto subsystem = read_link_name(device, "subsystem");
  const UniqueFd file{::openat(device, "uevent", O_RDONLY | O_CLOEXEC)};
  std::array<char, kPage> text{};
  const ssize_t n = file ? ::read(file.get(), text.data(), text.size()) : -1;
  if (n < 0 || subsystem.empty()) return {};
  std::replace(text.begin(), text.begin() + n, '\n', '\0');
  return "SUBSYSTEM=" + subsystem + '\0' + std::string{text.data(), static_cast<std::size_t>(n)};
}

// NOLINTNEXTLINE(misc-no-recursion): kMostLevels deep
void collect(Devices& out, int parent, const std::string& name, const std::string& devpath,
             int level) {
  const UniqueFd directory{
      ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  UniqueFd to_read{directory ? ::fcntl(directory.get(), F_DUPFD_CLOEXEC, 0) : -1};
  if (!to_read || level > kMostLevels) return;
  const auto entries = read_entries(std::move(to_read));
  if (entries.is_device) {
    if (auto variables = read_variables(directory.get()); !variables.empty())
      out.emplace(devpath, std::move(variables));
  }
  const auto below = devpath + "/";
  for (const auto& child : entries.directories)
    collect(out, directory.get(), child, below + child, level + 1);
}

std::vector<std::string> list_class(int sysfs, std::string_view name) {
  const auto path = "class/" + std::string{name};
  const UniqueFd directory{::openat(sysfs, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  const auto entries = list_entries(directory.get());
  if (!entries) return {};
  std::vector<std::string> devpaths;
  for (const auto& entry : *entries) {
    const auto target = read_target(directory.get(), entry);  // "../../devices/virtual/net/lo"
    const auto devpath = target.find("/devices/");
    if (devpath != std::string::npos) devpaths.push_back(target.substr(devpath));
  }
  return devpaths;
}

std::string read_device(int sysfs, const std::string& devpath) {
  const auto path = "." + devpath;
  const UniqueFd device{::openat(sysfs, path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  return device ? read_variables(device.get()) : std::string{};
}

// What an imitated event may have in its path.
bool climbs(std::string_view path) {
  return path.ends_with("/..") || path.find("/../") != std::string_view::npos;
}

}  // namespace

Result<Devices> read_devices(int sysfs) {
  Devices devices;
  collect(devices, sysfs, "devices", "/devices", 0);
  if (devices.empty()) return from_errno("find any device in a sysfs", ENOENT);
  return devices;
}

Devices read_classes(int sysfs, std::span<const std::string_view> names, std::size_t most) {
  Devices devices;
  for (const auto name : names) {
    for (const auto& devpath : list_class(sysfs, name)) {
      if (devices.size() >= most) return devices;
      if (auto variables = read_device(sysfs, devpath); !variables.empty())
        devices.emplace(devpath, std::move(variables));
    }
  }
  return devices;
}

bool device_exists(int sysfs, std::string_view devpath) {
  const auto path = "." + std::string{devpath};
  return static_cast<bool>(UniqueFd{::openat(sysfs, path.c_str(), O_PATH | O_CLOEXEC)});
}

std::optional<std::string> read_attribute(int sysfs, std::string_view devpath,
                                          std::string_view name) {
  std::string path{"."};
  path.append(devpath).append("/").append(name);
  if (climbs(path)) return {};
  const UniqueFd file{::openat(sysfs, path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return {};
  std::array<char, kPage> text{};
  const ssize_t n = ::read(file.get(), text.data(), text.size());
  if (n < 0 && errno == EISDIR) {
    auto target = read_link_name(sysfs, path);
    return target.empty() ? std::nullopt : std::optional{std::move(target)};
  }
  if (n < 0 || n == static_cast<ssize_t>(text.size())) return {};
  const std::string_view value{text.data(), static_cast<std::size_t>(n)};
  return std::string{value.substr(0, value.find_last_not_of(" \t\n") + 1)};
}

}  // namespace upcall::kernel
