// SPDX-License-Identifier: Apache-2.0
// A handler that tells where it runs and what it was given, as JSON: {"namespaces": {...},
// "status": {...}, "root": "DEV:INODE", "cwd": ..., "cgroup": ..., "fds": [...], "argv": [...],
// "environment": {...}, "event": ...}. usage: upcall-reporter FILE [ARGUMENT...]; FILE may be - for
// standard output.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::string quoted(std::string_view text) {
  std::string out{"\""};
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
      out += c;
    } else {
      char escape[8]{};
      static_cast<void>(
          snprintf(escape, sizeof escape, "\\u%04x", byte));  // Latin-1: one byte, one character
      out += escape;
    }
  }
  return out + '"';
}

std::string link_of(const std::string& path) {
  char target[4096]{};
  const auto size = readlink(path.c_str(), target, sizeof target - 1);
  return size < 0 ? std::string{} : std::string(target, static_cast<std::size_t>(size));
}

std::string namespaces() {
  std::string out;
  for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"}) {
    if (!out.empty()) out += ", ";
    out += quoted(name) + ": " + quoted(link_of(std::string{"/proc/self/ns/"} + name));
  }
  return "{" + out + "}";
}

// Lines "Name:\tvalue" of /proc/self/status.
std::string status() {
  std::ifstream file{"/proc/self/status"};
  std::string out;
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(":\t");
    if (colon == std::string::npos) continue;
    if (!out.empty()) out += ", ";
    out += quoted(line.substr(0, colon)) + ": " + quoted(line.substr(colon + 2));
  }
  return "{" + out + "}";
}

std::string root() {
  struct stat root {};
  if (stat("/", &root) != 0) return "";
  return std::to_string(root.st_dev) + ":" + std::to_string(root.st_ino);
}

std::string descriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory{opendir("/proc/self/fd"), closedir};
  if (!directory) return "null";
  std::string out;
  while (const dirent* entry =
             readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe): one thread
    const std::string name = entry->d_name;
    if (name.starts_with('.') || name == std::to_string(dirfd(directory.get()))) continue;
    if (!out.empty()) out += ", ";
    out += quoted(name + " " + link_of("/proc/self/fd/" + name));
  }
  return "[" + out + "]";
}

std::string list(char** strings) {
  std::string out;
  for (; *strings != nullptr; ++strings) out += (out.empty() ? "" : ", ") + quoted(*strings);
  return "[" + out + "]";
}

std::string read_all(int fd) {
  std::string text;
  char block[4096];
  for (ssize_t size = 0; (size = read(fd, block, sizeof block)) > 0;)
    text.append(block, static_cast<std::size_t>(size));
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

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string fds = descriptors();  // before we open any
  std::ostringstream out;
  out << "{\"namespaces\": " << namespaces() << ", \"status\": " << status()
      << ", \"root\": " << quoted(root()) << ", \"cwd\": " << quoted(link_of("/proc/self/cwd"))
      << ", \"cgroup\": " << quoted(cgroup()) << ", \"fds\": " << fds
      << ", \"argv\": " << list(argv) << ", \"environment\": " << list(environ)
      << ", \"event\": " << quoted(read_all(3)) << "}\n";
  const std::string text = out.str();
  const bool to_output = std::string_view{argv[1]} == "-";
  const int file =
      to_output ? STDOUT_FILENO : open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const bool written =
      file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  return written ? 0 : 1;
}
