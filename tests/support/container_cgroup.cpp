// SPDX-License-Identifier: Apache-2.0
#include "container_cgroup.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <sstream>

#include "descriptors.h"

namespace upcall::testing {
namespace {

// From mountinfo: "ID PARENT DEV ROOT MOUNTPOINT OPTIONS [TAGS...] - TYPE SOURCE SUPER".
std::string unified_hierarchy() {
  std::ifstream mounts{"/proc/self/mountinfo"};
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    std::istringstream fields{line};
    std::string skipped;
    std::string mount_point;
    fields >> skipped >> skipped >> skipped >> skipped >> mount_point;
    return mount_point;
  }
  errno = ENOENT;
  must(false, "find the unified cgroup hierarchy");
  return {};
}

bool is_populated(int events) {
  std::array<char, 256> text{};
  const auto size = pread(events, text.data(), text.size() - 1, 0);
  return size > 0 && std::string_view{text.data()}.find("populated 1") != std::string_view::npos;
}

}  // namespace

std::string make_cgroup(const std::string& name) {
  const std::string path = unified_hierarchy() + "/" + name;
  must(mkdir(path.c_str(), 0755) == 0, "make the cgroup " + path);
  return path;
}

void remove_cgroup(const std::string& path, int deadline_ms) {
  if (const UniqueFd kill{open((path + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC)}; kill) {
    must(write(kill.get(), "1", 1) == 1, "kill what is in " + path);
  }
  const UniqueFd events{open((path + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC)};
  while (events && is_populated(events.get())) {
    pollfd changed{.fd = events.get(), .events = POLLPRI, .revents = 0};
    if (poll(&changed, 1, deadline_ms) <= 0) break;
  }
  must(rmdir(path.c_str()) == 0, "remove the cgroup " + path);
}

}  // namespace upcall::testing
