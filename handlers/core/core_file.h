// SPDX-License-Identifier: Apache-2.0
// A file that shows under its name only when it is whole, and never replaces or follows anything.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "core/identity.h"

namespace upcall::core {

class CoreFile {
 public:
  // In `directory`, which outlives it; mode 0600.
  [[nodiscard]] static Result<CoreFile> create(int directory);

  CoreFile(const CoreFile&) = delete;
  CoreFile& operator=(const CoreFile&) = delete;
  CoreFile(CoreFile&& other) noexcept = default;
  CoreFile& operator=(CoreFile&& other) = delete;
  ~CoreFile();  // leaves nothing behind when it was not published

  [[nodiscard]] int fd() const { return fd_.get(); }

  // Hands it to whom the process belonged to when the core is meant for his eyes. Best effort: a
  // handler without CAP_CHOWN stores all the same.
  void give_to_owner(const Identity& identity) const;

  // Gives it its name; a number is added when the name is taken. Gives that name.
  [[nodiscard]] Result<std::string> publish(const std::string& name);

 private:
  // How an unnamed file gets a name, or that it has a temporary one which is changed.
  enum class Naming : std::uint8_t { by_descriptor, by_proc, by_rename };

  CoreFile(int directory, UniqueFd fd, Naming naming, std::string temporary_name)
      : directory_{directory},
        fd_{std::move(fd)},
        naming_{naming},
        temporary_name_{std::move(temporary_name)} {}

  [[nodiscard]] static Result<CoreFile> create_named(int directory);
  [[nodiscard]] static int link(int fd, Naming naming, int directory, const char* name);
  [[nodiscard]] int name_it(const std::string& name);

  int directory_;
  UniqueFd fd_;
  Naming naming_;
  std::string temporary_name_;  // empty when there is none (any more)
};

}  // namespace upcall::core
