// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <poll.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdint>
#include <memory>

namespace upcall::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// What the time, the program and the level take comes before it.
constexpr std::size_t kLongestLine = 4000;

// A pipe is writable when it takes PIPE_BUF (4096) bytes at once; a file always is.
bool has_room() {
  pollfd standard_error{.fd = STDERR_FILENO, .events = POLLOUT};
  return ::poll(&standard_error, 1, 0) == 1 && (standard_error.revents & POLLOUT) != 0;
}

}  // namespace

void start(std::string_view program, Level least) {
  auto logger = std::make_shared<spdlog::logger>(std::string{program},
                                                 std::make_shared<spdlog::sinks::stderr_sink_st>());
  logger->set_pattern("%H:%M:%S.%e %n: %l: %v");
  logger->set_level(to_spdlog(least));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

void write(Level level, const std::string& line) {
  static std::uint64_t dropped = 0;
  auto* logger = spdlog::default_logger_raw();
  if (!logger->should_log(to_spdlog(level))) return;
  if (!has_room()) {
    ++dropped;
    return;
  }
  if (dropped > 0)
    logger->warn("{} lines of this log were dropped: its reader was too slow", dropped);
  dropped = 0;
  logger->log(to_spdlog(level), "{}", std::string_view{line}.substr(0, kLongestLine));
}

}  // namespace upcall::log
