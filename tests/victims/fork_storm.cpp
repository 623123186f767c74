// SPDX-License-Identifier: Apache-2.0
// Crashes many processes, some at a time, and measures each from its crash until it could be
// reaped. usage: fork_storm [--count=N] [--concurrency=N] [--memory=KiB] [--times]; prints one line
// of JSON, with --times also when each crashed, by the monotonic clock.
#include <getopt.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>
#include <span>
#include <vector>

#include "base/text.h"
#include "crash_here.h"

namespace {

struct Options {
  std::size_t count{100};
  std::size_t concurrency{1};
  std::size_t memory_kib{1024};
  bool times{};
};

// So that a slip of the hand does not take the machine down.
constexpr std::size_t kMostCrashes = 100'000;
constexpr std::size_t kMostConcurrent = 1'024;
constexpr std::size_t kMostMemoryKib = 1U << 20U;

struct Outcome {
  std::vector<std::int64_t> latencies_ns;  // of the crashed ones
  std::size_t with_core{};                 // WCOREDUMP was set
  std::size_t not_crashed{};
  std::int64_t total_ns{};
};

std::int64_t now_ns() {
  timespec now{};
  static_cast<void>(clock_gettime(CLOCK_MONOTONIC, &now));
  return (now.tv_sec * 1'000'000'000LL) + now.tv_nsec;
}

bool parse(int argc, char** argv, Options& options) {
  static constexpr auto kLong =
      std::to_array<option>({{"count", required_argument, nullptr, 'n'},
                             {"concurrency", required_argument, nullptr, 'c'},
                             {"memory", required_argument, nullptr, 'm'},
                             {"times", no_argument, nullptr, 't'},
                             {nullptr, 0, nullptr, 0}});
  for (int c = 0; (c = getopt_long(argc, argv, "", kLong.data(), nullptr)) != -1;) {
    if (c == 't') {
      options.times = true;
      continue;
    }
    const auto value =
        optarg == nullptr ? std::nullopt : upcall::parse_integer<std::size_t>(optarg);
    if (!value) return false;
    if (c == 'n') options.count = *value;
    if (c == 'c') options.concurrency = *value;
    if (c == 'm') options.memory_kib = *value;
  }
  return options.count >= 1 && options.count <= kMostCrashes && options.concurrency >= 1 &&
         options.concurrency <= kMostConcurrent && options.memory_kib <= kMostMemoryKib;
}

// Its memory is its own before the clock starts: what is measured is the dump, not our page faults.
[[noreturn]] void crash_on_the_clock(std::int64_t& crashed_at, std::size_t memory_kib) {
  if (memory_kib > 0) {
    void* memory = mmap(nullptr, memory_kib << 10U, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) _exit(2);
    std::memset(memory, 0x5a, memory_kib << 10U);
  }
  crashed_at = now_ns();
  victims::crash_here();
}

class Storm {
 public:
  explicit Storm(const Options& options) : options_{options} {
    // Shared with the children, who write into it when they crash.
    void* memory = mmap(nullptr, options.count * sizeof(std::int64_t), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) crashed_at_ = {static_cast<std::int64_t*>(memory), options.count};
  }

  [[nodiscard]] std::span<const std::int64_t> crashed_at() const { return crashed_at_; }

  Outcome run() {
    const auto start = now_ns();
    for (std::size_t next = 0; next < crashed_at_.size(); ++next) {
      if (running_.size() == options_.concurrency) reap();
      begin(next);
    }
    while (!running_.empty()) reap();
    outcome_.total_ns = now_ns() - start;
    return std::move(outcome_);
  }

 private:
  void begin(std::size_t index) {
    const pid_t pid = fork();
    if (pid == 0) crash_on_the_clock(crashed_at_[index], options_.memory_kib);
    if (pid < 0) {
      ++outcome_.not_crashed;
    } else {
      running_.emplace(pid, index);
    }
  }

  void reap() {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, 0);
    const auto reaped_at = now_ns();
    const auto found = running_.find(pid);
    if (found == running_.end()) return;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) {
      outcome_.latencies_ns.push_back(reaped_at - crashed_at_[found->second]);
      if (WCOREDUMP(status)) ++outcome_.with_core;
    } else {
      ++outcome_.not_crashed;
    }
    running_.erase(found);
  }

  Options options_;
  std::span<std::int64_t> crashed_at_;
  std::map<pid_t, std::size_t> running_;
  Outcome outcome_;
};

std::int64_t percentile(std::span<const std::int64_t> sorted, std::size_t percent) {
  return sorted.empty() ? 0 : sorted[(sorted.size() - 1) * percent / 100];
}

void print_times(std::span<const std::int64_t> times) {
  printf("\"crashed_at_ns\": [");
  const char* separator = "";
  for (const auto time : times) {
    printf("%s%lld", separator, static_cast<long long>(time));
    separator = ", ";
  }
  printf("], ");
}

void print(const Options& options, Outcome outcome) {
  auto& times = outcome.latencies_ns;
  std::ranges::sort(times);
  printf(
      "\"count\": %zu, \"concurrency\": %zu, \"memory_kib\": %zu, \"crashed\": %zu, "
      "\"with_core\": %zu, \"not_crashed\": %zu, \"best_ns\": %lld, \"p10_ns\": %lld, "
      "\"p50_ns\": %lld, \"p90_ns\": %lld, "
      "\"p99_ns\": %lld, \"max_ns\": %lld, \"total_ns\": %lld}\n",
      options.count, options.concurrency, options.memory_kib, times.size(), outcome.with_core,
      outcome.not_crashed, static_cast<long long>(percentile(times, 0)),
      static_cast<long long>(percentile(times, 10)), static_cast<long long>(percentile(times, 50)),
      static_cast<long long>(percentile(times, 90)), static_cast<long long>(percentile(times, 99)),
      static_cast<long long>(percentile(times, 100)), static_cast<long long>(outcome.total_ns));
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    static_cast<void>(
        fputs("usage: fork_storm [--count=1..100000] [--concurrency=1..1024] "
              "[--memory=KiB, at most 1048576] [--times]\n",
              stderr));
    return 2;
  }
  Storm storm{options};
  auto outcome = storm.run();
  printf("{");
  if (options.times) print_times(storm.crashed_at());
  print(options, std::move(outcome));
  return 0;
}
