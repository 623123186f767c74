// SPDX-License-Identifier: Apache-2.0
#include "look.h"

#include <dirent.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

#include "base/text.h"
#include "json.h"

namespace upcall::testing {
namespace {

std::vector<int> numbers_in(const std::string& path, bool own) {
  std::vector<int> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory{opendir(path.c_str()), closedir};
  if (!directory) return numbers;
  while (const dirent* entry =
             readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe): one thread
    const auto number = parse_integer<int>(static_cast<const char*>(entry->d_name));
    if (number && (!own || *number != dirfd(directory.get()))) numbers.push_back(*number);
  }
  return numbers;
}

}  // namespace

std::string link_of(const std::string& path) {
  std::array<char, 4096> target{};
  const auto size = readlink(path.c_str(), target.data(), target.size());
  return size < 0 ? std::string{} : std::string(target.data(), static_cast<std::size_t>(size));
}

std::string read_text(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::string status_of(const std::string& directory) {
  std::ifstream file{directory + "/status"};
  JsonObject status;
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(":\t");
    if (colon != std::string::npos) status.add(line.substr(0, colon), line.substr(colon + 2));
  }
  return status.text();
}

std::vector<pid_t> processes() { return numbers_in("/proc", false); }

std::vector<int> descriptors_of(const std::string& directory) {
  return numbers_in(directory + "/fd", directory == "/proc/self");
}

std::string search_key(const char* name) {
  const auto key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", name, 0);
  return key < 0 ? strerrorname_np(errno) : "SUCCESS";
}

}  // namespace upcall::testing
