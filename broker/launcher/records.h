// SPDX-License-Identifier: Apache-2.0
// Copies what runtimes record of their containers for a broker that may not look there itself.
// Nothing is understood here: where a record has to say something, it is compared with what it
// would say.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "wire/state_directories.h"

namespace upcall::launcher {

struct WatchedDirectory {
  UniqueFd entries;  // their names, each ended by NUL, as they were once `changes` was watching
  UniqueFd changes;  // inotify(7), non-blocking
};

class Records {
 public:
  explicit Records(wire::StateDirectories directories) : directories_{std::move(directories)} {}

  [[nodiscard]] Result<WatchedDirectory> open_directory(std::uint32_t index) const;
  // A sealed memfd.
  [[nodiscard]] Result<UniqueFd> open_record(std::uint32_t index, std::uint32_t file,
                                             std::string_view name) const;
  // Whether the runtime wrote that the container's init is the process `pid` that started then
  // (field 22 of its stat). EPERM if it did not, EINVAL for a file that does not begin so.
  [[nodiscard]] Result<Ok> check_init(std::uint32_t index, std::uint32_t file,
                                      std::string_view name, pid_t pid,
                                      std::uint64_t start_time) const;

 private:
  struct Opened {
    UniqueFd fd;
    wire::RecordFile file;
    std::size_t size{};
  };
  [[nodiscard]] Result<Opened> open_file(std::uint32_t index, std::uint32_t file,
                                         std::string_view name) const;

  wire::StateDirectories directories_;
};

}  // namespace upcall::launcher
