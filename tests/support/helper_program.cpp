// SPDX-License-Identifier: Apache-2.0
#include "support/helper_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "base/unique_fd.h"

// With sanitizers the run time would otherwise change the very limit that the tests look at.
extern "C" const char* __asan_default_options();  // NOLINT: the name is AddressSanitizer's
extern "C" const char* __asan_default_options() { return "disable_coredump=0"; }  // NOLINT

namespace upcall::test {
namespace {

constexpr std::string_view kOption = "--report=";

std::map<int, std::string> open_descriptors() {
  std::map<int, std::string> found;
  for (int fd = 0; fd < 32; ++fd) {
    std::array<char, 256> target{};
    const auto link = "/proc/self/fd/" + std::to_string(fd);
    const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
    if (size < 0) continue;
    const std::string_view text{target.data(), static_cast<std::size_t>(size)};
    found[fd] = text.substr(0, text.find(":["));
  }
  return found;
}

std::size_t count_core() {
  const UniqueFd core{::open("/dev/stdin", O_RDONLY | O_CLOEXEC)};
  if (!core) return 0;
  std::vector<char> buffer(std::size_t{1} << 20);
  std::size_t total = 0;
  for (ssize_t size = 0; (size = ::read(core.get(), buffer.data(), buffer.size())) > 0;) {
    total += static_cast<std::size_t>(size);
  }
  return total;
}

// NUL-terminated texts, as an argument may hold any other byte.
void write_report(const std::string& path, int argc, char** argv) {
  const auto descriptors = open_descriptors();  // before we open any
  const mode_t mask = ::umask(0);
  rlimit limit{};
  ::getrlimit(RLIMIT_CORE, &limit);
  const std::size_t core_size = count_core();
  std::ofstream out{path + ".new"};
  const auto put = [&](const std::string& text) { out << text << '\0'; };
  put(std::to_string(argc - 2));
  for (int i = 2; i < argc; ++i) put(argv[i]);
  std::size_t variables = 0;
  while (environ[variables] != nullptr) ++variables;
  put(std::to_string(variables));
  for (std::size_t i = 0; i < variables; ++i) put(environ[i]);
  put(std::to_string(descriptors.size()));
  for (const auto& [fd, target] : descriptors) put(std::to_string(fd) + " " + target);
  put(std::filesystem::current_path());
  put(std::to_string(limit.rlim_cur) + " " + std::to_string(limit.rlim_max));
  put(std::to_string(mask));
  put(std::to_string(core_size));
  out.close();
  std::filesystem::rename(path + ".new", path);
}

// Before main(), where the test framework would look at the arguments.
[[gnu::constructor]] void become_helper(int argc, char** argv, char** /*environment*/) {
  if (argc < 2 || !std::string_view{argv[1]}.starts_with(kOption)) return;
  write_report(argv[1] + kOption.size(), argc, argv);
  ::_exit(0);
}

void wait_for_file(const std::filesystem::path& path) {
  const UniqueFd watch{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  ::inotify_add_watch(watch.get(), path.parent_path().c_str(), IN_MOVED_TO);
  std::array<char, 4096> events{};
  while (!std::filesystem::exists(path)) {
    pollfd moved{.fd = watch.get(), .events = POLLIN, .revents = 0};
    if (::poll(&moved, 1, 10'000) != 1) throw std::runtime_error{"the helper wrote no report"};
    if (::read(watch.get(), events.data(), events.size()) < 0) break;
  }
}

}  // namespace

std::string helper_pattern(const std::filesystem::path& report, const std::string& arguments) {
  // One letter, as a pattern is short: the report's folder has a link to this binary.
  const auto program = report.parent_path() / "h";
  std::filesystem::copy_file("/proc/self/exe", program,
                             std::filesystem::copy_options::skip_existing);
  return "|" + program.string() + " " + std::string{kOption} + report.string() + " " + arguments;
}

HelperReport read_report(const std::filesystem::path& path) {
  wait_for_file(path);
  std::ifstream in{path};
  const auto next = [&] {
    std::string text;
    std::getline(in, text, '\0');
    return text;
  };
  const auto next_list = [&] {
    std::vector<std::string> list(std::stoul(next()));
    for (auto& text : list) text = next();
    return list;
  };
  HelperReport report{.arguments = next_list(), .environment = next_list()};
  for (const auto& line : next_list()) {
    report.descriptors[std::stoi(line)] = line.substr(line.find(' ') + 1);
  }
  report.working_directory = next();
  report.core_limit = next();
  report.mask = next();
  report.core_size = std::stoul(next());
  return report;
}

}  // namespace upcall::test
