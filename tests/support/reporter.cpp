// SPDX-License-Identifier: Apache-2.0
// A handler that tells where it runs and what it was given, as JSON: {"namespaces": {...},
// "status": {...}, "root": "DEV:INODE", "cwd": ..., "cgroup": ..., "fds": [...], "argv": [...],
// "environment": [...], "event": ..., "dumpable": N, "securebits": N, "key": ...}.
// usage: upcall-reporter FILE [ARGUMENT...]; FILE may be - for standard output. When there is a
// FIFO beside the file with ".held" at the end of its name, it then writes a line there and stays
// until it can read from another with ".go".
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

#include "base/unique_fd.h"
#include "json.h"
#include "look.h"

namespace {

using namespace upcall::testing;

std::string namespaces() {
  JsonObject out;
  for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"})
    out.add(name, link_of(std::string{"/proc/self/ns/"} + name));
  return out.text();
}

std::string root() {
  struct stat root {};
  if (stat("/", &root) != 0) return "";
  return std::to_string(root.st_dev) + ":" + std::to_string(root.st_ino);
}

std::string descriptors() {
  JsonList out;
  for (const int fd : descriptors_of("/proc/self")) {
    const auto name = std::to_string(fd);
    out.add(name + " " + link_of("/proc/self/fd/" + name));
  }
  return out.text();
}

std::string list(char** strings) {
  JsonList out;
  for (; *strings != nullptr; ++strings) out.add(*strings);
  return out.text();
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> block{};
  for (ssize_t size = 0; (size = read(fd, block.data(), block.size())) > 0;)
    text.append(block.data(), static_cast<std::size_t>(size));
  return text;
}

// Its place in the unified hierarchy, as it sees it.
std::string cgroup() {
  std::ifstream file{"/proc/self/cgroup"};
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::")) return line.substr(3);
  }
  return "";
}

std::string report(char** argv) {
  JsonObject out;
  out.add_json("fds", descriptors());  // before we open any
  out.add_json("namespaces", namespaces());
  out.add_json("status", status_of("/proc/self"));
  out.add("root", root());
  out.add("cwd", link_of("/proc/self/cwd"));
  out.add("cgroup", cgroup());
  out.add_json("argv", list(argv));
  out.add_json("environment", list(environ));
  out.add("event", read_all(3));
  out.add_json("dumpable", std::to_string(prctl(PR_GET_DUMPABLE)));
  out.add_json("securebits", std::to_string(prctl(PR_GET_SECUREBITS)));
  out.add("key", search_key("upcall-secret"));
  return out.text() + "\n";
}

// For as long as the test wants to look at us from outside.
bool stay(const std::string& path) {
  const upcall::UniqueFd held{open((path + ".held").c_str(), O_WRONLY | O_CLOEXEC)};
  if (!held) return true;
  const upcall::UniqueFd go{open((path + ".go").c_str(), O_RDONLY | O_CLOEXEC)};
  char byte{};
  return go && write(held.get(), "\n", 1) == 1 && read(go.get(), &byte, 1) == 1;
}

bool write_to(int file, const std::string& text) {
  return file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string path = argv[1];
  const std::string text = report(argv);
  if (path == "-") return write_to(STDOUT_FILENO, text) ? 0 : 1;
  upcall::UniqueFd file{open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  const bool written = write_to(file.get(), text);
  file.reset();
  return written && stay(path) ? 0 : 1;
}
