// SPDX-License-Identifier: Apache-2.0
// A process that crashes in the way that its options say; tests/victims/README.md lists them.
#include <getopt.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "base/text.h"
#include "crash_here.h"

namespace {

struct Options {
  int signal{SIGSEGV};
  std::size_t memory_mib{};
  std::string data{"heap"};
  std::string comm;
  std::string root;
  std::optional<int> dumpable;
  std::optional<uid_t> uid;
};

[[noreturn]] void fail(const std::string& what, int error = errno) {
  throw std::system_error{error, std::system_category(), what};
}

int signal_by_name(std::string_view name) {
  for (int signal = 1; signal < NSIG; ++signal) {
    const char* known = sigabbrev_np(signal);
    if (known != nullptr && name == known) return signal;
  }
  fail("unknown signal", EINVAL);
}

template <class T>
T number(const char* text) {
  const auto value = upcall::parse_integer<T>(text);
  if (!value) fail(std::string{"not a number: "} + text, EINVAL);
  return *value;
}

Options parse(int argc, char** argv) {
  static constexpr auto kLong =
      std::to_array<option>({{"signal", required_argument, nullptr, 's'},
                             {"memory", required_argument, nullptr, 'm'},
                             {"data", required_argument, nullptr, 'd'},
                             {"comm", required_argument, nullptr, 'c'},
                             {"chroot", required_argument, nullptr, 'r'},
                             {"dumpable", required_argument, nullptr, 'p'},
                             {"setuid", required_argument, nullptr, 'u'},
                             {nullptr, 0, nullptr, 0}});
  Options options;
  for (int c = 0; (c = getopt_long(argc, argv, "", kLong.data(), nullptr)) != -1;) {
    switch (c) {
      case 's':
        options.signal = signal_by_name(optarg);
        break;
      case 'm':
        options.memory_mib = number<std::size_t>(optarg);
        break;
      case 'd':
        options.data = optarg;
        break;
      case 'c':
        options.comm = optarg;
        break;
      case 'r':
        options.root = optarg;
        break;
      case 'p':
        options.dumpable = number<int>(optarg);
        break;
      case 'u':
        options.uid = number<uid_t>(optarg);
        break;
      default:
        fail("bad option", EINVAL);
    }
  }
  return options;
}

// What heaps look like to a compressor: pointers into one region, small numbers, some text.
void fill_like_heap(std::span<std::uint64_t> words) {
  // NOLINTNEXTLINE(cert-msc32-c,cert-msc51-cpp): each core is to be the same
  std::minstd_rand random{1};
  const auto base = reinterpret_cast<std::uintptr_t>(words.data());
  for (std::size_t i = 0; i + 4 <= words.size(); i += 4) {
    words[i] = base + (random() % words.size()) * sizeof(std::uint64_t);
    words[i + 1] = random() % 256;
    words[i + 2] = 0;
    std::memcpy(&words[i + 3], i % 8 == 0 ? "upcalls " : "of linux", sizeof(std::uint64_t));
  }
}

void fill_at_random(std::span<std::uint64_t> words) {
  std::mt19937_64 random{1};  // NOLINT(cert-msc32-c,cert-msc51-cpp): as above
  for (auto& word : words) word = random();
}

// One page in fifty, the rest stays a hole of the mapping.
void fill_sparsely(std::span<std::uint64_t> words) {
  constexpr std::size_t kStep = std::size_t{50} * 4096 / sizeof(std::uint64_t);
  for (std::size_t i = 0; i < words.size(); i += kStep) words[i] = i + 1;
}

void occupy_memory(std::size_t mib, const std::string& data) {
  const std::size_t size = mib << 20U;
  if (size == 0) return;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("map memory");
  const std::span words{static_cast<std::uint64_t*>(memory), size / sizeof(std::uint64_t)};
  if (data == "heap") return fill_like_heap(words);
  if (data == "random") return fill_at_random(words);
  if (data == "sparse") return fill_sparsely(words);
  if (data != "zero") fail("unknown data: " + data, EINVAL);
  std::memset(memory, 0, size);  // touched, so that the pages exist
}

void become_what_was_asked(const Options& options) {
  if (!options.root.empty() && (chroot(options.root.c_str()) != 0 || chdir("/") != 0))
    fail("chroot");
  if (options.uid && setresuid(*options.uid, *options.uid, *options.uid) != 0) fail("setresuid");
  if (!options.comm.empty() && prctl(PR_SET_NAME, options.comm.c_str()) != 0) fail("set the name");
  // Last: a change of credentials would set it again.
  if (options.dumpable && prctl(PR_SET_DUMPABLE, *options.dumpable) != 0) fail("set dumpable");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse(argc, argv);
    occupy_memory(options.memory_mib, options.data);
    become_what_was_asked(options);
    victims::crash_here(options.signal);
  } catch (const std::system_error& error) {
    dprintf(STDERR_FILENO, "crash: %s\n", error.what());
    return 2;
  }
}
