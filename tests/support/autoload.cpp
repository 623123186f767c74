// SPDX-License-Identifier: Apache-2.0
// Makes the kernel ask for modules, and says what came of it:
//
//   upcall-autoload [--count=N] mount TYPE | socket FAMILY
//
//   errno=19 us=1480
//
// A line for each of N requests, one after the other: N file systems are called TYPE-0 and so on.
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

int mount_one(const std::string& type) {
  return ::mount("none", "/tmp", type.c_str(), MS_RDONLY, nullptr) == 0 ? 0 : errno;
}

int open_socket(int family) {
  const int fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  ::close(fd);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::string_view kCount = "--count=";
  int count = 0;
  if (argc > 1 && std::string_view{argv[1]}.starts_with(kCount)) {
    count = std::atoi(argv[1] + kCount.size());
    --argc;
    ++argv;
  }
  if (argc != 3) return 2;
  const bool mounts = std::string_view{argv[1]} == "mount";
  for (int i = 0; i < (count == 0 ? 1 : count); ++i) {
    const std::string name = argv[2] + (count == 0 ? std::string{} : "-" + std::to_string(i));
    const auto start = std::chrono::steady_clock::now();
    const int error = mounts ? mount_one(name) : open_socket(std::atoi(argv[2]));
    const auto took = std::chrono::steady_clock::now() - start;
    std::printf("errno=%d us=%lld\n", error,
                static_cast<long long>(
                    std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  }
  return 0;
}
