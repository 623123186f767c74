// SPDX-License-Identifier: Apache-2.0
// A pipe helper that stores: a pipe and blocks of 1 MiB, into DIRECTORY/core.PID.
// usage: pipe_store DIRECTORY PID, both from kernel.core_pattern
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>

int main(int argc, char** argv) {
  constexpr int kBlock = 1 << 20;
  static std::array<char, kBlock> block{};
  if (argc != 3) return 2;
  fcntl(STDIN_FILENO, F_SETPIPE_SZ, kBlock);
  const std::string path = std::string{argv[1]} + "/core." + argv[2];
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return 1;
  for (ssize_t size = 0; (size = read(STDIN_FILENO, block.data(), block.size())) > 0;) {
    if (write(file, block.data(), static_cast<size_t>(size)) != size) return 1;
  }
  return close(file) == 0 ? 0 : 1;
}
