// SPDX-License-Identifier: Apache-2.0
// A path is walked by hand, one component after the other, each held open before it is judged: what
// was judged is then what is used, and nobody can exchange it in between.
#include "settings/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <climits>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/result.h"
#include "base/text.h"
#include "base/unique_fd.h"

namespace upcall::settings {
namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20U;
constexpr int kMostSymlinks = 40;  // as the kernel's own limit
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

template <class T>
using Trusted = std::variant<T, Refused>;

// An open file (O_PATH) that passed every check on the way to it.
struct Found {
  UniqueFd fd;
  struct stat status {};
};

Refused cannot(const char* verb, const std::string& path, int err) {
  return {.why = describe(from_errno(std::string{verb} + " '" + printable(path) + '\'', err)),
          .missing = err == ENOENT};
}

Trusted<Found> open_path(int directory, const std::string& name, const std::string& path) {
  Found found;
  found.fd = UniqueFd{::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!found.fd) return cannot("open", path, errno);
  if (::fstat(found.fd.get(), &found.status) != 0) return cannot("examine", path, errno);
  return found;
}

bool writable_by_others(const struct stat& status) { return (status.st_mode & kOthersWrite) != 0; }

// Without the right of all to write there, neither a directory such as /tmp nor a device is of use.
bool is_for_all(mode_t mode) { return S_ISDIR(mode) ? (mode & S_ISVTX) != 0 : !S_ISREG(mode); }

// Nobody but root may choose what stands here.
std::optional<Refused> judge(const struct stat& status, const std::string& path) {
  const std::string shown = '\'' + printable(path) + '\'';
  if (status.st_uid != 0) {
    return Refused{.why = shown + " belongs to uid " + std::to_string(status.st_uid) +
                          " and not to root: chown root " + shown};
  }
  // Of a symbolic link only the owner counts: its mode bits mean nothing.
  if (S_ISLNK(status.st_mode) || !writable_by_others(status)) return {};
  return Refused{.why = shown + " can be written by others than root: " +
                        (is_for_all(status.st_mode)
                             ? "put the policy into a directory that only root can write"
                             : "chmod go-w " + shown)};
}

// In a sticky directory such as /tmp all may add names, but only their owner and root may move
// them. Root's own directory there is safe; a file is not, as it may be anyone's hard link to a
// file of root's.
bool sticky_protects(const struct stat& directory, const struct stat& entry) {
  return directory.st_uid == 0 && (directory.st_mode & S_ISVTX) != 0 && S_ISDIR(entry.st_mode);
}

Trusted<std::string> read_link(const Found& link, const std::string& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlinkat(link.fd.get(), "", target.data(), target.size());
  if (size < 0) return cannot("read the link", path, errno);
  return std::string(target.data(), static_cast<std::size_t>(size));
}

class Walk {
 public:
  explicit Walk(const std::string& path) { put_in_front(path); }

  Trusted<Found> run() {
    if (auto refused = restart()) return *std::move(refused);
    while (!rest_.empty()) {
      const std::string name = std::move(rest_.front());
      rest_.pop_front();
      if (auto refused = step(name)) return *std::move(refused);
    }
    return std::move(at_);
  }

 private:
  std::optional<Refused> restart() {
    path_ = "/";
    auto root = open_path(AT_FDCWD, "/", path_);
    if (auto* refused = std::get_if<Refused>(&root)) return std::move(*refused);
    at_ = std::move(std::get<Found>(root));
    return judge(at_.status, path_);
  }

  std::optional<Refused> step(const std::string& name) {
    const std::string path = (std::filesystem::path{path_} / name).string();
    auto opened = open_path(at_.fd.get(), name, path);
    if (auto* refused = std::get_if<Refused>(&opened)) return std::move(*refused);
    auto& next = std::get<Found>(opened);
    // The directory is judged only now, since what it holds may be what makes it safe.
    if (!sticky_protects(at_.status, next.status)) {
      if (auto refused = judge(at_.status, path_)) return refused;
    }
    if (auto refused = judge_on_the_way(next.status, path)) return refused;
    if (S_ISLNK(next.status.st_mode)) return follow(next, path);
    at_ = std::move(next);
    path_ = path;
    return {};
  }

  // A directory's write bits are judged by the next step, when it is known what they endanger.
  [[nodiscard]] std::optional<Refused> judge_on_the_way(struct stat status,
                                                        const std::string& path) const {
    if (S_ISDIR(status.st_mode) && !rest_.empty()) status.st_mode &= ~kOthersWrite;
    return judge(status, path);
  }

  std::optional<Refused> follow(const Found& link, const std::string& path) {
    if (++symlinks_ > kMostSymlinks) return cannot("open", path, ELOOP);
    auto target = read_link(link, path);
    if (auto* refused = std::get_if<Refused>(&target)) return std::move(*refused);
    const auto& text = std::get<std::string>(target);
    put_in_front(text);
    return text.starts_with('/') ? restart() : std::nullopt;
  }

  void put_in_front(const std::string& path) {
    std::deque<std::string> components;
    for (std::string_view rest = path; !rest.empty();) {
      if (const auto component = take_until(rest, '/'); !component.empty() && component != ".") {
        components.emplace_back(component);
      }
    }
    rest_.insert(rest_.begin(), components.begin(), components.end());
  }

  std::deque<std::string> rest_;
  std::string path_;  // of at_, for the messages
  Found at_;
  int symlinks_{};
};

std::string absolute(const std::string& path) { return std::filesystem::absolute(path).string(); }

// The same file with the right to read it; O_PATH first, as opening a device or FIFO can already
// act.
Trusted<UniqueFd> reopen(const Found& found, int flags, const std::string& path) {
  const std::string self = "/proc/self/fd/" + std::to_string(found.fd.get());
  UniqueFd fd{::open(self.c_str(), O_RDONLY | O_CLOEXEC | flags)};
  if (!fd) return cannot("open", path, errno);
  return fd;
}

Trusted<std::string> read_text(int fd, const std::string& path) {
  std::string text;
  std::array<char, 1U << 14U> chunk{};
  for (;;) {
    const ssize_t size = ::read(fd, chunk.data(), chunk.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return cannot("read", path, errno);
    if (size == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(size));
    if (text.size() > kLargestFile)
      return Refused{.why = '\'' + printable(path) + "' is larger than 1 MiB"};
  }
}

std::vector<std::string> yaml_names(DIR* directory) {
  std::vector<std::string> names;
  // Safe: nobody else reads this stream, which is what readdir(3) asks for.
  while (const dirent* entry = ::readdir(directory)) {  // NOLINT(concurrency-mt-unsafe)
    const std::string name = static_cast<const char*>(entry->d_name);
    if (name.ends_with(".yaml") && !name.starts_with('.')) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

std::variant<std::string, Refused> read_trusted_file(const std::string& path) {
  auto walked = Walk{absolute(path)}.run();
  if (auto* refused = std::get_if<Refused>(&walked)) return std::move(*refused);
  const auto& found = std::get<Found>(walked);
  if (!S_ISREG(found.status.st_mode))
    return Refused{.why = '\'' + printable(path) + "' is not a regular file"};
  auto fd = reopen(found, O_NOCTTY, path);
  if (auto* refused = std::get_if<Refused>(&fd)) return std::move(*refused);
  return read_text(std::get<UniqueFd>(fd).get(), path);
}

std::variant<std::vector<std::string>, Refused> list_trusted_directory(const std::string& path) {
  auto walked = Walk{absolute(path)}.run();
  if (auto* refused = std::get_if<Refused>(&walked)) return std::move(*refused);
  auto fd = reopen(std::get<Found>(walked), O_DIRECTORY, path);
  if (auto* refused = std::get_if<Refused>(&fd)) return std::move(*refused);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory{::fdopendir(std::get<UniqueFd>(fd).get()),
                                                      ::closedir};
  if (!directory) return cannot("list", path, errno);
  (void)std::get<UniqueFd>(fd).release();  // closedir() closes it now
  auto names = yaml_names(directory.get());
  for (auto& name : names) name = (std::filesystem::path{path} / name).string();
  return names;
}

}  // namespace upcall::settings
